/** A part of the text that is replaced. Offsets are those of the text before. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

interface Piece {
  readonly text: string;
  /** Offset in the text before; undefined for what was inserted. */
  readonly from?: number;
}

/** A text that changes step by step and knows what became of the text before. */
export class ChangedText {
  readonly #before: string;
  #pieces: readonly Piece[];

  constructor(before: string) {
    this.#before = before;
    this.#pieces = [{ text: before, from: 0 }];
  }

  get text(): string {
    return this.#pieces.map(({ text }) => text).join("");
  }

  /** Offsets are those of the present text. */
  replace({ from, to, insert }: Change): void {
    const pieces = [...this.#part(0, from), { text: insert }, ...this.#part(to, Number.POSITIVE_INFINITY)];
    this.#pieces = pieces.filter(({ text }) => text !== "");
  }

  /** What leads from the text before to the present one, in the order of the text. */
  get changes(): readonly Change[] {
    const changes: Change[] = [];
    let [at, insert] = [0, ""];
    const end = { text: "", from: this.#before.length };
    for (const { text, from } of [...this.#pieces, end]) {
      if (from === undefined) {
        insert += text;
        continue;
      }
      if (from > at || insert !== "") changes.push(trimmed(this.#before, { from: at, to: from, insert }));
      [at, insert] = [from + text.length, ""];
    }
    return changes.filter(({ from, to, insert: text }) => from < to || text !== "");
  }

  #part(start: number, end: number): readonly Piece[] {
    let at = 0;
    return this.#pieces.flatMap((piece) => {
      const [low, high] = [Math.max(start - at, 0), Math.min(end - at, piece.text.length)];
      at += piece.text.length;
      if (low >= high) return [];
      const text = piece.text.slice(low, high);
      return [piece.from === undefined ? { text } : { text, from: piece.from + low }];
    });
  }
}

/** Without what is the same at both ends. */
function trimmed(before: string, { from, to, insert }: Change): Change {
  let [start, end, head, tail] = [from, to, 0, insert.length];
  while (start < end && head < tail && before[start] === insert[head]) {
    start++;
    head++;
  }
  while (end > start && tail > head && before[end - 1] === insert[tail - 1]) {
    end--;
    tail--;
  }
  return { from: start, to: end, insert: insert.slice(head, tail) };
}
