import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";
import { Agent } from "undici";
import type { Connection } from "../../../platform/kubernetes/cluster/client.ts";
import type { Resource } from "../../../platform/kubernetes/cluster/resources.ts";
import { merge, patched } from "./patches.ts";

const METRICS = "/apis/metrics.k8s.io/";

type Stored = Resource & { spec?: Record<string, unknown>; status?: Record<string, unknown> };

interface Event {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly collection: string;
  readonly object: Stored;
  readonly version: number;
}

export interface ObjectChange {
  readonly collection: string;
  /** As it is now, or was before it was deleted. */
  readonly object: Resource & { readonly spec?: unknown; readonly status?: unknown };
  readonly isDeleted: boolean;
}

interface Watch {
  readonly collection: string;
  readonly selector: string;
  readonly response: ServerResponse;
  isSilent: boolean;
}

export interface Fault {
  readonly status: number;
  readonly message?: string;
  readonly headers?: Record<string, string>;
  /** Which requests it is for; all by default. */
  readonly matches?: (method: string, path: string) => boolean;
}

/**
 * The parts of the Kubernetes API server that Skiff uses, in memory: optimistic locking, merge patches, apply (as a
 * merge), watches with resource versions and 410, owner references. And the ways in which a real one fails.
 */
export class FakeApiServer {
  /** Every request as `METHOD path`. */
  readonly requests: string[] = [];
  /** Called after every change; what controllers and kubelets would do. */
  onChange: (change: ObjectChange) => void = () => {};
  /** The log of a pod as its kubelet has it; ends the response by itself. */
  onLog: (pod: string, query: URLSearchParams, response: ServerResponse) => void = (_, __, response) =>
    refuse(response, 404, "NotFound");
  /** Plurals of the custom resources of `skiff.dev` that are defined. */
  readonly customKinds = new Set(["functions", "keys", "topics", "flows", "subscriptions", "schedules"]);
  /** Whether it serves the collection `pods.metrics` as metrics.k8s.io. */
  hasMetrics = false;
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #watches = new Set<Watch>();
  #events: Event[] = [];
  #oldest = 0;
  #version = 100;
  #uids = 0;
  #faults: Fault[] = [];
  #server: Server | undefined;
  #port = 0;

  static async start(): Promise<FakeApiServer> {
    const server = new FakeApiServer();
    await server.up();
    return server;
  }

  connection(): Connection {
    const dispatcher = new Agent();
    return {
      server: `http://127.0.0.1:${this.#port}`,
      dispatcher,
      headers: async () => ({}),
      close: () => dispatcher.destroy(),
    };
  }

  /** Listens, on the same port as before. */
  async up(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Goes away with every connection; what is stored stays. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#watches.clear();
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }

  /** The next matching requests are refused, one for each fault. */
  fail(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  cutWatches(): void {
    for (const { response } of this.#watches) response.destroy();
    this.#watches.clear();
  }

  /** The watches of now stay open and say nothing any more. */
  silenceWatches(): void {
    for (const watch of this.#watches) watch.isSilent = true;
  }

  /** Forgets the events so far: watches that go on from before are answered with 410. */
  compact(): void {
    this.#events = [];
    this.#oldest = ++this.#version;
  }

  read<T extends Resource>(collection: string, name: string): T | undefined {
    return this.#objects.get(collection)?.get(name) as unknown as T | undefined;
  }

  list<T extends Resource>(collection: string): T[] {
    return [...(this.#objects.get(collection)?.values() ?? [])] as unknown as T[];
  }

  /** Stores an object as a controller of the cluster would. */
  put(collection: string, object: object): void {
    this.#store(collection, object as Stored);
  }

  remove(collection: string, name: string): void {
    const object = this.#objects.get(collection)?.get(name);
    if (!object) return;
    this.#objects.get(collection)!.delete(name);
    this.#tell("DELETED", collection, object);
    for (const [other, objects] of this.#objects) {
      for (const child of [...objects.values()]) {
        const isOwned = child.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid);
        if (isOwned) this.remove(other, child.metadata.name);
      }
    }
  }

  #store(collection: string, object: Stored): Stored {
    const objects = this.#objects.get(collection) ?? new Map<string, Stored>();
    this.#objects.set(collection, objects);
    const before = objects.get(object.metadata.name);
    if (before && isDeepStrictEqual(asJson(before), asJson(object))) return before;
    const changed = JSON.stringify(before?.spec) !== JSON.stringify(object.spec);
    const metadata = {
      ...object.metadata,
      uid: before?.metadata.uid ?? object.metadata.uid ?? `uid-${++this.#uids}`,
      creationTimestamp: before?.metadata.creationTimestamp ?? "2030-01-01T00:00:00Z",
      generation: (before?.metadata.generation ?? 0) + (changed || !before ? 1 : 0),
      resourceVersion: String(this.#version + 1),
    };
    const stored: Stored = { ...object, metadata };
    objects.set(metadata.name, stored);
    this.#tell(before ? "MODIFIED" : "ADDED", collection, stored);
    return stored;
  }

  #tell(type: Event["type"], collection: string, object: Stored): void {
    const version = ++this.#version;
    const told = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const event = { type, collection, object: told, version };
    this.#events.push(event);
    for (const watch of this.#watches) if (!watch.isSilent) send(watch, event);
    this.onChange({ collection, object: told, isDeleted: type === "DELETED" });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, "http://fake");
    const method = request.method!;
    this.requests.push(`${method} ${pathname}`);
    const fault = this.#faults.find(({ matches = () => true }) => matches(method, pathname));
    if (fault) {
      this.#faults = this.#faults.filter((each) => each !== fault);
      return refuse(response, fault.status, "Fault", fault);
    }
    const { collection, name, subresource } = split(pathname);
    if (pathname.startsWith(METRICS) && !this.hasMetrics) return refuse(response, 404, "NotFound");
    const isCustom = pathname.startsWith("/apis/skiff.dev/");
    if (isCustom && !this.customKinds.has(collection)) return refuse(response, 404, "NotFound");
    if (subresource === "log") return this.onLog(name!, searchParams, response);
    if (method === "GET" && searchParams.has("watch")) return this.#watch(collection, searchParams, response);
    if (method === "GET" && name === undefined) {
      const selected = this.list<Stored>(collection).filter((each) =>
        selects(searchParams.get("labelSelector"), each),
      );
      // As the real one: items say of which kind they are only where that is a custom one.
      const items = isCustom ? selected : selected.map(withoutKind);
      return reply(response, { items, metadata: { resourceVersion: String(this.#version) } });
    }
    if (method === "GET") {
      const object = this.read<Stored>(collection, name!);
      return object ? reply(response, object) : refuse(response, 404, "NotFound");
    }
    const body = (await json(request)) as Stored;
    this.#change(
      { method, collection, name, subresource, body, type: request.headers["content-type"] ?? "" },
      response,
    );
  }

  #change(change: Change, response: ServerResponse): void {
    const { method, collection, name = change.body.metadata?.name ?? "" } = change;
    const before = this.read<Stored>(collection, name);
    const operations = change.body as unknown as Parameters<typeof patched>[0];
    const isJsonPatch = change.type === "application/json-patch+json" && before !== undefined;
    const body = isJsonPatch ? patched(operations, before) : change.body;
    const refusal: [number, string] | undefined = body
      ? refusalOf({ ...change, body }, before)
      : [422, "Invalid"];
    if (refusal || !body) refuse(response, ...refusal!);
    else if (method === "POST") reply(response, this.#store(collection, body), 201);
    else if (method === "DELETE") {
      this.remove(collection, name);
      reply(response, before!);
    } else reply(response, this.#store(collection, changed({ ...change, body, name }, before)));
  }

  #watch(collection: string, search: URLSearchParams, response: ServerResponse): void {
    const from = Number(search.get("resourceVersion"));
    const watch: Watch = {
      collection,
      selector: search.get("labelSelector") ?? "",
      response,
      isSilent: false,
    };
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (from < this.#oldest) {
      const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    for (const event of this.#events) if (event.version > from) send(watch, event);
    this.#watches.add(watch);
    response.on("close", () => this.#watches.delete(watch));
  }
}

interface Change {
  readonly method: string;
  readonly collection: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly body: Stored;
  readonly type: string;
}

function refusalOf({ method, type, body }: Change, before: Stored | undefined): [number, string] | undefined {
  if (method === "POST") return before ? [409, "AlreadyExists"] : undefined;
  const makes = type === "application/apply-patch+yaml";
  if (!before) return makes ? undefined : [404, "NotFound"];
  const { preconditions = {} } = body as { preconditions?: Resource["metadata"] | Record<string, never> };
  const { uid = before.metadata.uid } = { ...body.metadata, ...preconditions };
  if (uid !== before.metadata.uid) return [409, "Conflict"];
  const { resourceVersion } = before.metadata;
  const { resourceVersion: condition = resourceVersion } = preconditions;
  const { resourceVersion: expected = resourceVersion } = body.metadata ?? {};
  // As the real one: these are no versions, and so no conflict.
  if (expected === "" || expected === "0") return [422, "Invalid"];
  if (!/^\d{1,19}$/.test(expected!)) return [500, "InternalError"];
  return condition === resourceVersion && expected === resourceVersion ? undefined : [409, "Conflict"];
}

/** As the real one: the main resource does not take a status, the subresource takes nothing else. */
function changed({ method, subresource, body, name, type }: Change, before: Stored | undefined): Stored {
  const isStatus = subresource === "status";
  const replaced = isStatus ? body : { ...body, ...(before?.status ? { status: before.status } : {}) };
  const isWhole = method === "PUT" || type === "application/json-patch+json";
  const next = isWhole ? replaced : (merge(before ?? {}, body) as Stored);
  const kept = isStatus ? { ...before!, status: next.status ?? {} } : next;
  return { ...kept, metadata: { ...kept.metadata, ...(name === undefined ? {} : { name }) } };
}

/** `/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUB`: the collection is the plural. */
function split(path: string) {
  const [, plural = "", name, subresource] =
    /\/namespaces\/[^/]+\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
  return { collection: path.startsWith(METRICS) ? `${plural}.metrics` : plural, name, subresource };
}

function send({ collection, selector, response }: Watch, event: Event): void {
  if (event.collection !== collection || !selects(selector, event.object)) return;
  response.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
}

function selects(selector: string | null, { metadata }: Resource): boolean {
  // A comma within brackets separates values, not rules.
  const rules = (selector ?? "").split(/,(?![^(]*\))/).filter((rule) => rule !== "");
  return rules.every((rule) => {
    const [, set, values] = /^(\S+) in \((.*)\)$/.exec(rule) ?? [];
    if (set !== undefined) return values!.split(/, */).includes(metadata.labels?.[set] ?? "");
    const [key = "", value] = rule.split("=");
    return value === undefined ? metadata.labels?.[key] !== undefined : metadata.labels?.[key] === value;
  });
}

/** Without the members that are undefined. */
function asJson(object: Stored): unknown {
  return JSON.parse(JSON.stringify(object));
}

function withoutKind({ apiVersion: _, kind: __, ...rest }: Stored & { apiVersion?: string; kind?: string }) {
  return rest;
}

function reply(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  { headers = {}, message = `fake ${reason}` }: Pick<Fault, "headers" | "message"> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ kind: "Status", status: "Failure", code: status, reason, message }));
}
