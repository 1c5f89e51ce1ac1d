import type { Dispatcher } from "undici";
import { Agents } from "../../../calling/agents.ts";
import { isAway } from "../../../calling/away.ts";
import { type Exchanged, exchange } from "../../../calling/exchange.ts";
import { OWN_FIELDS } from "../../../calling/kept-fields.ts";
import { callbackHosts } from "../../../http/addresses/callback-hosts.ts";
import type { AttemptResult, Sending, Start } from "../../../platform/flows/run/machine.ts";
import type { Endpoints } from "../../../platform/platform.ts";
import { formatMs } from "../../../platform/quantity.ts";
import type { FlowsOptions } from "../../services.ts";
import type { Values } from "../values.ts";
import { type Exchange, resultOf } from "./result-of.ts";

/** What the router may take beyond its own limits before an attempt is given up, in milliseconds. */
const MARGIN_MS = 10_000;
/** Longest time until an instance answers whose function this program does not know. */
const UNKNOWN_TIMEOUT_MS = 300_000;
const URL_TIMEOUT_MS = 60_000;

export interface StepCallsOptions
  extends Pick<FlowsOptions, "store" | "platform" | "limits" | "router" | "manager" | "callerKey" | "env"> {
  readonly values: Values;
}

/** The run that an attempt belongs to, and the field of its trace. */
export interface RunTrace {
  readonly run: string;
  readonly flow: string;
  readonly traceparent: string;
}

type Of<Kind extends Sending["kind"]> = Extract<Sending, { kind: Kind }>;

interface Request extends Exchange {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: readonly string[];
  /** Longest time until the answer begins. */
  readonly headMs: number;
}

/** Makes the calls of steps: to functions through the router, to URLs, and commands through the manager. */
export class StepCalls {
  readonly #options: StepCallsOptions;
  readonly #agents: Agents;

  constructor(options: StepCallsOptions) {
    this.#options = options;
    const { env, limits } = options;
    this.#agents = new Agents({ allowedHosts: callbackHosts(env), connections: limits.flowCalls });
  }

  /** Makes an attempt. Never rejects. The signal ends it, and its result is of no interest then. */
  async make(start: Start, trace: RunTrace, signal: AbortSignal): Promise<AttemptResult> {
    const { timeoutMs, send } = start;
    const ending = new AbortController();
    const end = () => ending.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    let isLate = false;
    const late = () => {
      isLate = true;
      ending.abort(new Error(`the attempt took longer than ${formatMs(timeoutMs!)}`));
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    try {
      const result = await this.#make(send, fieldsOf(start, trace), ending.signal);
      if (!isLate || "output" in result) return result;
      const message = `The attempt took longer than ${formatMs(timeoutMs!)} (timeout).`;
      return { error: { type: "timeout", message }, callId: "callId" in result ? result.callId : undefined };
    } catch (error) {
      const { message } = error as Error;
      if (isAway(error)) return { refused: "store_unavailable", retryAfterMs: 0 };
      return {
        error: { type: "internal_error", message: `The call cannot be made: ${message}` },
        isFinal: true,
      };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }

  async close(): Promise<void> {
    await this.#agents.close();
  }

  async #make(send: Sending, own: readonly string[], signal: AbortSignal): Promise<AttemptResult> {
    if (send.kind === "exec") return this.#command(send, own, signal);
    if (send.kind === "http") return this.#url(send, own, signal);
    const exchanged = await this.#function(send, own, signal);
    // A version that the run began with may be forgotten by now. One that the definition names is called, or none.
    const isGone = send.isReplaceable === true && codeOf(exchanged.sent) === "unknown_version";
    const last = isGone ? await this.#function({ ...send, version: undefined }, own, signal) : exchanged;
    return resultOf(last, this.#functionExchange(send));
  }

  #functionExchange({ function: name, version }: Of<"fn">): Exchange {
    const { platform, limits, values } = this.#options;
    const endpoints = platform.endpoints(name);
    const isThere = version === undefined || endpoints?.versions.some((each) => each.version === version);
    const isKnown = endpoints !== undefined && isThere === true;
    return { kind: "fn", what: `The function "${name}"`, mostBytes: limits.callBodyBytes, values, isKnown };
  }

  async #function(send: Of<"fn">, own: readonly string[], signal: AbortSignal): Promise<Exchanged> {
    const { limits, platform, router, callerKey } = this.#options;
    const { function: name, version, method, path } = send;
    const at = version === undefined ? "" : `@${version}`;
    const headMs = limits.instanceWaitMs + longestTimeout(platform.endpoints(name)) + MARGIN_MS;
    return this.#send(send, signal, {
      ...this.#functionExchange(send),
      ...{ dispatcher: await this.#agents.own(), origin: router(), method, headMs },
      // A path without a slash would make another name of it.
      path: `/fn/${encodeURIComponent(name)}${at}${path.startsWith("/") ? path : `/${path}`}`,
      headers: [...own, ...givenFields(send.headers), "x-skiff-key", callerKey],
    });
  }

  async #url(send: Of<"http">, own: readonly string[], signal: AbortSignal): Promise<AttemptResult> {
    const { limits, values } = this.#options;
    const what = `The URL ${send.url.slice(0, 200)}`;
    const url = URL.parse(send.url);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      const message = `${what} is not valid: use one such as https://example.com/path.`;
      return { error: { type: "invalid_request", message }, isFinal: true };
    }
    let dispatcher: Dispatcher;
    try {
      dispatcher = await this.#agents.of(url);
    } catch (error) {
      return { error: { type: "forbidden", message: (error as Error).message }, isFinal: true };
    }
    const of: Exchange = { kind: "http", what, mostBytes: limits.callBodyBytes, values, isKnown: true };
    const exchanged = await this.#send(send, signal, {
      ...of,
      ...{ dispatcher, origin: url.origin, path: `${url.pathname}${url.search}`, method: send.method },
      ...{ headers: [...own, ...givenFields(send.headers)], headMs: URL_TIMEOUT_MS },
    });
    return resultOf(exchanged, of);
  }

  /** The manager answers when the command has ended. */
  async #command(send: Of<"exec">, own: readonly string[], signal: AbortSignal): Promise<AttemptResult> {
    const { limits, router, manager = router, callerKey, values } = this.#options;
    const query = new URLSearchParams([["image", send.image], ...send.cmd.map((word) => ["arg", word])]);
    const env = Object.entries(send.env).flatMap(([name, value]) => [`x-skiff-env-${name}`, latin1(value)]);
    const what = `The command ${[send.image, ...send.cmd.slice(0, 1)].join(" ")}`;
    const of: Exchange = { kind: "exec", what, mostBytes: limits.callBodyBytes, values, isKnown: true };
    const exchanged = await this.#send(send, signal, {
      ...of,
      ...{ dispatcher: await this.#agents.own(), origin: manager(), path: `/exec?${query}`, method: "POST" },
      headers: [...own, "accept", "application/json", "authorization", `Bearer ${callerKey}`, ...env],
      headMs: limits.pullMs + limits.startMs + limits.execMs + MARGIN_MS,
    });
    return resultOf(exchanged, of);
  }

  async #send({ kind, payload }: Sending, signal: AbortSignal, request: Request): Promise<Exchanged> {
    const { limits, store, values } = this.#options;
    const { body, type } = await values.sendable(payload);
    const { headers, headMs, method, mostBytes } = request;
    const hasBody = method !== "GET" && method !== "HEAD";
    const isTyped = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === "content-type");
    const typed = type === undefined || !hasBody || isTyped ? [] : ["content-type", type];
    const uploadMs = "inline" in body ? 0 : limits.uploadMs;
    return exchange(
      {
        ...{ dispatcher: request.dispatcher, origin: request.origin, path: request.path, method, signal },
        headers: [...headers, ...typed],
        body: hasBody ? body : { inline: new Uint8Array() },
        headMs: headMs + uploadMs,
        answerMs: limits.uploadMs,
      },
      { bodies: store.bodies, mostBytes, trustsMark: kind !== "http" },
    );
  }
}

/** Fields of Skiff, names and values in turn: the place in the run and in its trace. */
function fieldsOf(start: Start, { run, flow, traceparent }: RunTrace): string[] {
  return [
    ...["skiff-flow", flow, "skiff-run", run, "skiff-step", start.step],
    ...["skiff-attempt", String(start.attempt), "idempotency-key", start.idempotencyKey],
    ...["traceparent", traceparent],
  ];
}

/** Fields of the definition, names and values in turn, without those that Skiff writes itself. */
function givenFields(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    const isOwn = OWN_FIELDS.has(lower) || OURS.has(lower);
    return isOwn ? [] : [name, latin1(value)];
  });
}

const OURS = new Set([
  "skiff-flow",
  "skiff-run",
  "skiff-step",
  "skiff-attempt",
  "idempotency-key",
  "traceparent",
]);

/** Values of fields are bytes (RFC 9110 5.5). */
function latin1(value: string): string {
  return Buffer.from(value).toString("latin1");
}

function codeOf(sent: Exchanged["sent"]): string | undefined {
  return "response" in sent && sent.response.isUnforwarded ? sent.response.code : undefined;
}

function longestTimeout(endpoints: Endpoints | undefined): number {
  const times = endpoints?.versions.map(({ timeoutMs }) => timeoutMs) ?? [];
  return times.length === 0 ? UNKNOWN_TIMEOUT_MS : Math.max(...times);
}
