import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { type Dispatcher, request, upgrade } from "undici";
import { ApiError, ApiUnreachable, hasStatus, unlessStatus } from "./api-error.ts";
import type { Connection } from "./client.ts";
import { type Place, pathOf, type Resource } from "./resources.ts";

/** Owner of fields in server-side apply. */
export const FIELD_MANAGER = "skiff";

const CALL_MS = 10_000;
const TRIES = 4;
const LONGEST_PAUSE_S = 5;

/** The API server and the namespace of the functions. */
export interface Cluster {
  readonly api: KubeApi;
  readonly namespace: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Deadline of one attempt; default 10 s. */
  readonly deadlineMs?: number;
}

export interface DeleteOptions extends CallOptions {
  /** Precondition: the object has this uid, so that a new object of the same name stays. */
  readonly uid?: string | undefined;
  /** Precondition: the object has not changed since this version. */
  readonly resourceVersion?: string | undefined;
}

export interface ListOptions extends CallOptions {
  /** Lists the metadata of the objects without their content. */
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
  readonly accept?: string | undefined;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables, "metadata only". */
function partial(kind: string): string {
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
}

/**
 * Calls the Kubernetes API. Every call has a deadline. A call answered with 429 is retried after `Retry-After`, in at most
 * four attempts; other failures are not retried.
 */
export class KubeApi {
  readonly #connection: Connection;
  readonly #closing = new AbortController();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Undefined if there is no such object. */
  async get<T extends Resource>(place: Place, options: CallOptions = {}): Promise<T | undefined> {
    return await unlessStatus(this.#json<T>({ method: "GET", path: pathOf(place), ...options }), 404);
  }

  async list<T extends Resource>(place: Place, labelSelector?: string, options: ListOptions = {}) {
    const { metadataOnly, ...rest } = options;
    const query: Record<string, string> = labelSelector === undefined ? {} : { labelSelector };
    const accept = metadataOnly ? partial("PartialObjectMetadataList") : undefined;
    const call = { method: "GET", path: pathOf(place), query, accept, ...rest } as const;
    const list = await this.#json<{ items?: T[]; metadata: { resourceVersion: string } }>(call);
    return { items: list.items ?? [], resourceVersion: list.metadata.resourceVersion };
  }

  /** @throws ApiError 409 `AlreadyExists` */
  create<T extends Resource>(place: Place, body: object, options: CallOptions = {}): Promise<T> {
    return this.#json<T>({ method: "POST", path: pathOf(place), body, ...options });
  }

  /** Server-side apply: creates the object or sets the fields that `body` names. Other fields stay. */
  apply<T extends Resource>(place: Place, body: object, options: CallOptions = {}): Promise<T> {
    const type = "application/apply-patch+yaml";
    const query = { fieldManager: FIELD_MANAGER, force: "true" };
    return this.#json<T>({ method: "PATCH", path: pathOf(place), query, body, type, ...options });
  }

  /**
   * Merge patch (RFC 7396). `metadata.resourceVersion` in it is a precondition.
   * @throws ApiError 404, 409 `Conflict`
   */
  patch<T extends Resource>(place: Place, body: object, options: CallOptions = {}): Promise<T> {
    const type = "application/merge-patch+json";
    return this.#json<T>({ method: "PATCH", path: pathOf(place), body, type, ...options });
  }

  /**
   * JSON patch (RFC 6902); the server applies all operations or none.
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
    return this.#json<T>({ method: "PUT", path: pathOf(place), body, ...options });
  }

  /**
   * Resolves with undefined if the object does not exist.
   * @throws ApiError 409 `Conflict` if it has another uid or resourceVersion
   */
  async delete(
    place: Place,
    propagation: "Foreground" | "Background",
    { uid, resourceVersion, ...options }: DeleteOptions = {},
  ) {
    const preconditions = { uid, resourceVersion };
    const body = { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: propagation, preconditions };
    return await unlessStatus(
      this.#json<Resource>({ method: "DELETE", path: pathOf(place), body, ...options }),
      404,
    );
  }

  /** Yields the changes after `resourceVersion` until the server or the signal ends the watch. */
  async *watch<T extends Resource>(place: Place, watch: WatchRequest): AsyncGenerator<WatchEvent<T>> {
    const { labelSelector, resourceVersion, timeoutS, signal, metadataOnly } = watch;
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion,
      timeoutSeconds: String(timeoutS),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
    const accept = metadataOnly ? partial("PartialObjectMetadata") : undefined;
    for await (const line of this.lines({ path: pathOf(place), query, signal, accept })) {
      yield JSON.parse(line) as WatchEvent<T>;
    }
  }

  /** Yields the lines of a streamed response. */
  async *lines(call: Pick<Call, "path" | "query" | "accept"> & { readonly signal: AbortSignal }) {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.chunks(call)) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) if (part !== "") yield part;
    }
    if (rest !== "") yield rest;
  }

  /** Yields the bytes of a streamed response. */
  async *chunks(call: Pick<Call, "path" | "query" | "accept"> & { readonly signal: AbortSignal }) {
    const response = await this.#send({ method: "GET", ...call }, call.signal);
    try {
      for await (const chunk of response.body) yield chunk as Uint8Array;
    } catch (error) {
      throw unreachable(error, call.signal);
    }
  }

  /**
   * Opens a WebSocket and leaves its frames to the caller, who closes it.
   * @throws ApiUnreachable also if the server refuses it: the answer to an upgrade cannot be read
   */
  async upgrade(
    path: string,
    { headers, signal }: { headers: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<Duplex> {
    const until = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(CALL_MS)]);
    // HTTP/2 has no upgrades.
    const options = { protocol: "websocket", dispatcher: this.#connection.dispatcher, allowH2: false };
    try {
      const own = await this.#connection.headers();
      const url = `${this.#connection.server}${path}`;
      const { socket } = await upgrade(url, { ...options, headers: { ...headers, ...own }, signal: until });
      return socket;
    } catch (error) {
      throw unreachable(error, until);
    }
  }

  /** Aborts every call. */
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
    const { method, path, query = {}, body, type = "application/json", accept = "application/json" } = call;
    const search = new URLSearchParams(query).toString();
    const url = `${this.#connection.server}${path}${search === "" ? "" : `?${search}`}`;
    let response: Dispatcher.ResponseData;
    try {
      const headers = { accept, ...(await this.#connection.headers()) };
      response = await request(url, {
        method,
        headers: body === undefined ? headers : { ...headers, "content-type": type },
        body: body === undefined ? null : JSON.stringify(body),
        dispatcher: this.#connection.dispatcher,
        signal: AbortSignal.any([signal, this.#closing.signal]),
        headersTimeout: CALL_MS,
        // A watch is silent while nothing changes; Mirror has its own silence timeout.
        bodyTimeout: 0,
      });
    } catch (error) {
      throw unreachable(error, signal);
    }
    if (response.statusCode < 400) return response;
    throw await refusal(response);
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
    // A proxy in front of the API server answers with its own page.
    status = { message: text.slice(0, 200) };
  }
  const after = Number(headers["retry-after"]);
  const retryAfterS = Number.isFinite(after) && after >= 0 ? after : undefined;
  const { reason, message } = status;
  return new ApiError(statusCode, reason || "Unknown", message || `status ${statusCode}`, retryAfterS);
}
