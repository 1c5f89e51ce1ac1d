import { authorization, withCredential } from "./client.ts";
import { problemFrom, unreachable } from "./problem.ts";

export type Field = readonly [name: string, value: string];

export interface TriedRequest {
  readonly method: string;
  /** Begins with `/fn/`, `/async/fn/`, `/topic/` or `/flow/`. */
  readonly path: string;
  readonly headers: readonly Field[];
  readonly body?: BodyInit;
  /** Calls with the key of this page, for functions that ask for one. */
  readonly withKey?: boolean;
  readonly signal?: AbortSignal;
}

export interface TriedAnswer {
  readonly status: number;
  readonly headers: readonly Field[];
  /** From the request to the first byte of the answer, seen by the server of this page. */
  readonly firstByteMs: number;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Calls a function through `/try`: status and fields of its answer come as data, so that nothing of them acts on this page.
 * @throws ApiProblem if there is no answer
 */
export async function tryCall({ body, signal, ...call }: TriedRequest): Promise<TriedAnswer> {
  const send = () =>
    fetch("/try", {
      ...{ method: "POST", redirect: "error", credentials: "omit", cache: "no-store" },
      headers: { ...authorization(), "x-skiff-try": base64url(JSON.stringify(call)) },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw unreachable(error);
    });
  const response = await withCredential(send);
  const answer = response.headers.get("x-skiff-try-answer");
  if (answer === null) throw await problemFrom(response);
  const head = JSON.parse(fromBase64url(answer)) as Omit<TriedAnswer, "body">;
  return { ...head, body: response.body! };
}

function base64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64url(text: string): string {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(bytes, (each) => each.charCodeAt(0)));
}
