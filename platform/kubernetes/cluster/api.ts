import { setTimeout as pause } from "node:timers/promises";
import { type Dispatcher, request } from "undici";
import { ApiError, ApiUnreachable, hasStatus } from "./api-error.ts";
import type { Connection } from "./client.ts";
import { type Place, pathOf, type Resource } from "./resources.ts";

/** The name under which this program owns fields (server-side apply). */
export const FIELD_MANAGER = "skiff";

const CALL_MS = 10_000;
const TRIES = 4;
const LONGEST_PAUSE_S = 5;

export interface ListOf<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Deadline of one try; default 10 s. */
  readonly deadlineMs?: number;
}

export interface DeleteOptions extends CallOptions {
  /** Only if the object is still this one, and not another of the same name. */
  readonly uid?: string | undefined;
  /** Only if nobody has changed the object since. */
  readonly resourceVersion?: string | undefined;
}

export interface ListOptions extends CallOptions {
  /** Only who and what the objects are, without their content. */
  readonly metadataOnly?: boolean;
}

export interface WatchRequest {
  readonly metadataOnly?: boolean | undefined;
  readonly labelSelector?: string;
  readonly resourceVersion: string;
  /** The server ends the watch after this time. */
  readonly timeoutS: number;
  readonly signal: AbortSignal;
}

/** RFC 6902, section 4; `path` is a JSON pointer (RFC 6901). */
export interface JsonOperation {
  readonly op: "test" | "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

interface Call extends CallOptions {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables, "metadata only". */
function partial(kind: string): string {
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
}

/**
 * The verbs of the Kubernetes API that Skiff uses. Each has a deadline. What the server put off (429) is tried
 * again as it asks, up to four times; nothing else is.
 */
export class KubeApi {
  readonly #connection: Connection;
  readonly #closing = new AbortController();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Undefined if there is no such object. */
  async get<T extends Resource>(place: Place, options: CallOptions = {}): Promise<T | undefined> {
    return await orUndefined(this.#json<T>({ method: "GET", path: pathOf(place), ...options }));
  }

  async list<T extends Resource>(place: Place, labelSelector?: string, options: ListOptions = {}) {
    const { metadataOnly, ...rest } = options;
    const query = labelSelector === undefined ? {} : { labelSelector };
    const path = pathOf(place);
    const accept = metadataOnly ? { accept: partial("PartialObjectMetadataList") } : {};
    const list = await this.#json<{ items?: T[]; metadata: { resourceVersion: string } }>({
      method: "GET",
      path,
      query,
      ...accept,
      ...rest,
    });
    return { items: list.items ?? [], resourceVersion: list.metadata.resourceVersion } satisfies ListOf<T>;
  }

  /** @throws ApiError 409 `AlreadyExists` */
  create<T extends Resource>(place: Place, body: object, options: CallOptions = {}): Promise<T> {
    return this.#json<T>({ method: "POST", path: pathOf(place), body, type: "application/json", ...options });
  }

  /** Server-side apply: makes the object or the fields of it that `body` names; others' fields stay. */
  apply<T extends Resource>(place: Place, body: object, options: CallOptions = {}): Promise<T> {
    const type = "application/apply-patch+yaml";
    const query = { fieldManager: FIELD_MANAGER, force: "true" };
    return this.#json<T>({ method: "PATCH", path: pathOf(place), query, body, type, ...options });
  }

  /**
   * A merge patch (RFC 7396); with `metadata.resourceVersion` in it, only if the object is still that one.
   * @throws ApiError 404, 409 `Conflict`
   */
  patch<T extends Resource>(place: Place, body: object, options: CallOptions = {}): Promise<T> {
    const type = "application/merge-patch+json";
    return this.#json<T>({ method: "PATCH", path: pathOf(place), body, type, ...options });
  }

  /**
   * A JSON patch (RFC 6902), all of it or nothing.
   * @throws ApiError 404, 422 `Invalid` if a `test` in it fails
   */
  patchJson<T extends Resource>(
    place: Place,
    operations: readonly JsonOperation[],
    options: CallOptions = {},
  ): Promise<T> {
    const type = "application/json-patch+json";
    return this.#json<T>({ method: "PATCH", path: pathOf(place), body: operations, type, ...options });
  }

  /** @throws ApiError 404, 409 `Conflict` */
  replace<T extends Resource>(place: Place, body: object, options: CallOptions = {}): Promise<T> {
    return this.#json<T>({ method: "PUT", path: pathOf(place), body, type: "application/json", ...options });
  }

  /**
   * Undefined if there was no such object.
   * @throws ApiError 409 `Conflict` if it has another uid or resourceVersion
   */
  async delete(
    place: Place,
    propagation: "Foreground" | "Background",
    { uid, resourceVersion, ...options }: DeleteOptions = {},
  ) {
    const body = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: propagation,
      // Left out of the text where it is undefined.
      preconditions: { uid, resourceVersion },
    };
    const call = {
      method: "DELETE",
      path: pathOf(place),
      body,
      type: "application/json",
      ...options,
    } as const;
    return await orUndefined(this.#json<Resource>(call));
  }

  /** Changes after `resourceVersion` until the server or the signal ends them. */
  async *watch<T extends Resource>(place: Place, watch: WatchRequest): AsyncGenerator<WatchEvent<T>> {
    const { labelSelector, resourceVersion, timeoutS, signal, metadataOnly } = watch;
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion,
      timeoutSeconds: String(timeoutS),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
    const accept = metadataOnly ? { accept: partial("PartialObjectMetadata") } : {};
    for await (const line of this.lines({ path: pathOf(place), query, signal, ...accept })) {
      yield JSON.parse(line) as WatchEvent<T>;
    }
  }

  /** The lines of an answer that may never end, as they come. */
  async *lines(call: { path: string; query: Record<string, string>; signal: AbortSignal; accept?: string }) {
    const response = await this.#send({ method: "GET", ...call }, call.signal);
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of response.body) {
        const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
        rest = parts.pop() ?? "";
        for (const part of parts) if (part !== "") yield part;
      }
    } catch (error) {
      throw unreachable(error, call.signal);
    }
    if (rest !== "") yield rest;
  }

  /** Breaks off every call. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection.close();
  }

  async #json<T>(call: Call): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const deadline = AbortSignal.timeout(call.deadlineMs ?? CALL_MS);
      const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline;
      try {
        const response = await this.#send(call, signal);
        try {
          return (await response.body.json()) as T;
        } catch (error) {
          throw unreachable(error, signal);
        }
      } catch (error) {
        if (call.signal?.aborted) throw call.signal.reason;
        if (!hasStatus(error, 429) || attempt === TRIES) throw error;
        const waitS = Math.min((error as ApiError).retryAfterS ?? 1, LONGEST_PAUSE_S);
        await pause(waitS * 1_000, undefined, { signal: call.signal ?? this.#closing.signal });
      }
    }
  }

  async #send(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { method, path, query = {}, body, type, accept = "application/json" } = call;
    const search = new URLSearchParams(query).toString();
    const url = `${this.#connection.server}${path}${search === "" ? "" : `?${search}`}`;
    let response: Dispatcher.ResponseData;
    try {
      const headers = { accept, ...(await this.#connection.headers()) };
      response = await request(url, {
        method,
        headers: type === undefined ? headers : { ...headers, "content-type": type },
        body: body === undefined ? null : JSON.stringify(body),
        dispatcher: this.#connection.dispatcher,
        signal: AbortSignal.any([signal, this.#closing.signal]),
        headersTimeout: CALL_MS,
        // A watch is silent for as long as nothing changes; who watches has an alarm of its own.
        bodyTimeout: 0,
      });
    } catch (error) {
      throw unreachable(error, signal);
    }
    if (response.statusCode < 400) return response;
    throw await refusal(response);
  }
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

function unreachable(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof ApiError || error instanceof ApiUnreachable) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const why = signal.aborted ? "no answer in time" : (code ?? message);
  return new ApiUnreachable(why, { cause: error, isLate: signal.aborted });
}

async function refusal(response: Dispatcher.ResponseData): Promise<ApiError> {
  const { statusCode, headers } = response;
  const text = await response.body.text().catch(() => "");
  let status: { reason?: string; message?: string; code?: number } = {};
  try {
    status = JSON.parse(text) as typeof status;
  } catch {
    // Proxies in front of an API server answer with pages of their own.
    status = { message: text.slice(0, 200) };
  }
  const after = Number(headers["retry-after"]);
  const retryAfterS = Number.isFinite(after) && after >= 0 ? after : undefined;
  return new ApiError(
    statusCode,
    status.reason || "Unknown",
    status.message || `status ${statusCode}`,
    retryAfterS,
  );
}
