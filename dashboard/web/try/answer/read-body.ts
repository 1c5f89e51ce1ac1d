import { MOST_SHOWN } from "./body-kind.ts";

/** Bodies are handed to the browser in pieces of this size: it keeps large ones on disk. */
const PIECE = 8 * 1024 * 1024;
/** A longer text is drawn less often while it comes. */
const LONG = 64 * 1024;
const LONG_EVERY_MS = 400;

/** The part of a body that has come. */
export interface BodySoFar {
  readonly bytes: number;
  /** The first MiB. */
  readonly shown: Uint8Array<ArrayBuffer>;
}

/** Keeps a body of any size: its beginning to show, all of it to download. */
export class ReceivedBody {
  #bytes = 0;
  #shown = new Uint8Array(0);
  #blob = new Blob([]);
  #pending: Uint8Array<ArrayBuffer>[] = [];
  #pendingBytes = 0;

  add(chunk: Uint8Array<ArrayBuffer>): void {
    this.#bytes += chunk.length;
    const room = MOST_SHOWN - this.#shown.length;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      const longer = new Uint8Array(this.#shown.length + part.length);
      longer.set(this.#shown);
      longer.set(part, this.#shown.length);
      this.#shown = longer;
    }
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes >= PIECE) this.blob();
  }

  get soFar(): BodySoFar {
    return { bytes: this.#bytes, shown: this.#shown };
  }

  /** What has come, as a file. */
  blob(): Blob {
    if (this.#pendingBytes > 0) this.#blob = new Blob([this.#blob, ...this.#pending]);
    [this.#pending, this.#pendingBytes] = [[], 0];
    return this.#blob;
  }
}

/**
 * Reads a stream into `body`.
 * @param onPart called when there is more to show, at the pace at which it can be drawn
 */
export async function readInto(
  body: ReceivedBody,
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onPart: () => void,
): Promise<void> {
  const reader = stream.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    timer = undefined;
    onPart();
  };
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      body.add(part.value);
      timer ??= setTimeout(draw, body.soFar.shown.length > LONG ? LONG_EVERY_MS : 16);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Undoes the `content-encoding` that a function used, where the browser can. */
export function decoded(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  encoding: string | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const format = ({ gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" } as const)[
    (encoding ?? "").trim().toLowerCase() as "gzip"
  ];
  return format === undefined ? stream : stream.pipeThrough(new DecompressionStream(format));
}
