/**
 * How an instance writes what `console` prints: one entry, which may have several lines, with its level and call id.
 * `[error 7d0c6a52-…] text` reads well in the log of a pod; invisible record separators around it show the platform that
 * the runtime wrote it. A function can write the same, but only into its own log.
 */

/** In ascending order. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** Begins a marked entry. At the end of a line: the entry goes on in the next line. */
const SEPARATOR = "\u001e";
const MARK = new RegExp(`${SEPARATOR}\\[(${LEVELS.join("|")})(?: ([\\w.-]{1,64}))?\\] `);
const SEPARATOR_AT_END = new RegExp(`${SEPARATOR}(?=\n|$)`, "g");
/** Longer entries are split into entries of about this length. */
const ENTRY_CHARACTERS = 64 * 1024;

export interface Entry {
  readonly text: string;
  /** Absent if it was written directly to the stream. */
  readonly level?: Level;
  readonly callId?: string;
}

/** Writes a text without its last line break as marked lines; as it is if a line without a mark means the same. */
export function markEntry({ text, level = "info", callId }: Entry): string {
  if (level === "info" && !callId && !text.includes("\n") && !text.includes(SEPARATOR)) return `${text}\n`;
  const lines = text.replaceAll(SEPARATOR_AT_END, `${SEPARATOR} `).replaceAll("\n", `${SEPARATOR}\n`);
  return `${SEPARATOR}[${level}${callId ? ` ${callId}` : ""}] ${lines}\n`;
}

/** Returns the stream of warnings and errors, wherever they were written; undefined for all others. */
export function streamOf({ level }: Pick<Entry, "level">): "stderr" | undefined {
  return level === "warn" || level === "error" ? "stderr" : undefined;
}

/** Joins the lines of one stream to entries. */
export class EntryReader {
  readonly #onEntry: (entry: Entry) => void;
  /** The entry that goes on in the next line. */
  #open: Entry | undefined;
  /** Between the text of the open entry and what follows: a line break, unless its line was cut. */
  #joint = "";

  constructor(onEntry: (entry: Entry) => void) {
    this.#onEntry = onEntry;
  }

  /** True while an entry goes on in the next line. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Reads one line. `isCut`: the line was too long, and its rest follows. */
  read(line: string, isCut = false): void {
    const goesOn = isCut || line.endsWith(SEPARATOR);
    const text = !isCut && goesOn ? line.slice(0, -1) : line;
    const open = this.#open;
    if (open) {
      this.#take({ ...open, text: open.text + this.#joint + text }, goesOn, isCut);
    } else {
      const mark = MARK.exec(text);
      if (!mark) {
        this.#onEntry({ text });
        return;
      }
      const { index } = mark;
      // What was written directly before it had no line break of its own.
      if (index > 0) this.#onEntry({ text: text.slice(0, index) });
      const [{ length }, level, callId] = mark;
      const tie = callId === undefined ? {} : { callId };
      this.#take({ text: text.slice(index + length), level: level as Level, ...tie }, goesOn, isCut);
    }
  }

  /** Emits what is open: the stream has ended. */
  end(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open) this.#onEntry(open);
  }

  #take(entry: Entry, goesOn: boolean, isCut: boolean): void {
    const isFull = entry.text.length >= ENTRY_CHARACTERS;
    if (!goesOn || isFull) this.#onEntry(entry);
    this.#open = goesOn ? (isFull ? { ...entry, text: "" } : entry) : undefined;
    this.#joint = isCut || isFull ? "" : "\n";
  }
}
