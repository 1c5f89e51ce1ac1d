/** What the guard needs of a browser. */
export interface Tab {
  readonly path: () => string;
  /** With the query and the part of the page. */
  readonly address: () => string;
  /** The number of the entry of the history that the tab is at. Undefined if this page did not make the entry. */
  readonly at: () => number | undefined;
  /** Gives the entry its number. */
  readonly number: (at: number) => void;
  readonly push: (to: string, at: number, isReplacing: boolean) => void;
  readonly move: (by: number) => void;
}

export interface Guard {
  /** Something would be lost. */
  readonly isNeeded: () => boolean;
  /** Asks; `leave` goes on. */
  readonly ask: (leave: () => void) => void;
  readonly onPath: (path: string) => void;
}

/**
 * Moves between the pages of this tab, and asks before changes are lost. On the way back or forward the browser has moved
 * already, so it is sent back first.
 */
export class GuardedHistory {
  readonly #tab: Tab;
  readonly #guard: Guard;
  #at: number;
  #path: string;
  #address: string;
  /** What happens once the browser is back. */
  #returning: (() => void) | undefined;

  constructor(tab: Tab, guard: Guard) {
    this.#tab = tab;
    this.#guard = guard;
    this.#at = this.#numbered(0);
    this.#path = tab.path();
    this.#address = tab.address();
  }

  /** @param path of `to`, without its query */
  go(to: string, path: string, isReplacing: boolean): void {
    const leave = () => {
      if (!isReplacing) this.#at++;
      this.#tab.push(to, this.#at, isReplacing);
      this.arrived();
    };
    if (path === this.#path || !this.#guard.isNeeded()) leave();
    else this.#guard.ask(leave);
  }

  /** Takes the address that the tab has now. */
  arrived(): void {
    this.#path = this.#tab.path();
    this.#address = this.#tab.address();
    this.#guard.onPath(this.#path);
  }

  /** The browser went back or forward, or followed a link to a part of the page. */
  moved(): void {
    const back = this.#returning;
    this.#returning = undefined;
    // Such a link makes the next entry, or replaces the one that has its address already.
    const next = this.#tab.address() === this.#address ? this.#at : this.#at + 1;
    const by = this.#numbered(next) - this.#at;
    if (back !== undefined) back();
    else if (by === 0 || this.#tab.path() === this.#path || !this.#guard.isNeeded()) {
      this.#at += by;
      this.arrived();
    } else {
      this.#returning = () => this.#guard.ask(() => this.#tab.move(by));
      this.#tab.move(-by);
    }
  }

  /** Returns the number of the entry, which is `otherwise` if it has none yet. */
  #numbered(otherwise: number): number {
    const at = this.#tab.at();
    if (at === undefined) this.#tab.number(otherwise);
    return at ?? otherwise;
  }
}
