/** The parts of Node's modules that the runtime uses. Types of Node contradict those of Deno. */
export interface Emitter {
  on(type: string, listener: (...args: never[]) => void): this;
  once(type: string, listener: (...args: never[]) => void): this;
  emit(type: string, ...args: unknown[]): boolean;
  listenerCount(type: string): number;
}

export interface Duplex extends Emitter {
  readonly writableLength: number;
  readonly destroyed: boolean;
  push(chunk: Uint8Array | null): boolean;
  destroy(error?: Error): this;
  _read(): void;
  _write(chunk: Uint8Array, encoding: string, callback: () => void): void;
  _final(callback: () => void): void;
  _destroy(error: Error | null, callback: (error: Error | null) => void): void;
}

export interface IncomingMessage extends Emitter {
  method: string;
  url: string;
  httpVersion: string;
  httpVersionMajor: number;
  httpVersionMinor: number;
  complete: boolean;
  readonly _readableState: { readingMore: boolean };
  push(chunk: Uint8Array | null): boolean;
  destroy(error?: Error): this;
  _addHeaderLines(lines: readonly string[], count: number): void;
  _read(): void;
}

export interface ServerResponse extends Emitter {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly finished: boolean;
  /** The head as it would be sent; empty or null before it exists. */
  readonly _header: string | null;
  chunkedEncoding: boolean;
  destroyed: boolean;
  _closed: boolean;
  assignSocket(socket: Duplex): void;
  detachSocket(socket: Duplex): void;
  _storeHeader(firstLine: string, headers: unknown): void;
  _send(data: unknown, encoding?: unknown, callback?: unknown): boolean;
  _writeRaw(data: unknown, encoding?: unknown, callback?: unknown): boolean;
}

export interface Server extends Emitter {
  _handle: object | null;
  listening: boolean;
  listen(...args: unknown[]): this;
  close(callback?: () => void): this;
}

export interface Http {
  readonly Server: { readonly prototype: Server };
  readonly IncomingMessage: new (socket: Duplex) => IncomingMessage;
  readonly ServerResponse: (new (
    request: IncomingMessage,
  ) => ServerResponse) & {
    readonly prototype: ServerResponse;
  };
}

export interface Node {
  readonly http: Http;
  readonly Duplex: new (options: object) => Duplex;
}

/** Imports a module of Node. The computed specifier keeps its types out of the program. */
export async function builtin<Module>(name: string): Promise<Module> {
  return (await import(`node:${name}`)) as Module;
}

export async function loadNode(): Promise<Node> {
  const [http, { Duplex }] = await Promise.all([
    builtin<Http>("http"),
    builtin<Pick<Node, "Duplex">>("stream"),
  ]);
  return { http, Duplex };
}
