/** The second argument of a function. */
export interface Context {
  /** Keeps the instance alive until the promise settles, also after the response. */
  waitUntil(promise: Promise<unknown>): void;
  readonly callId: string;
  readonly function: { readonly name: string; readonly version: number };
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
  /** Address of the client, in the form of Deno.serve's second argument. */
  readonly remoteAddr: { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
  /** Resolves when the response was delivered, and rejects if it cannot be delivered. */
  readonly completed: Promise<void>;
  /** The path before that of `request.url`, such as `/fn/NAME`; empty at the root of a host. For links and redirects. */
  readonly basePath: string;
}

export type Handler = (request: Request, context: Context) => unknown;
