import type { Agent } from "undici";
import { Agents } from "../../calling/agents.ts";
import { isAway } from "../../calling/away.ts";
import { type Exchanged, exchange } from "../../calling/exchange.ts";
import { callbackHosts } from "../../http/addresses/callback-hosts.ts";
import type { Endpoints } from "../../platform/platform.ts";
import { type CallTarget, isCommand } from "../../store/call.ts";
import type { LeasedCall } from "../../store/calls.ts";
import type { EventServices } from "../services.ts";
import { attemptFields } from "./request-fields.ts";
import { signatureFields } from "./signature.ts";

/** What the router may take beyond its own limits before the worker gives a call up, in milliseconds. */
const MARGIN_MS = 10_000;
/** Longest time until an instance answers whose function this program does not know. */
const UNKNOWN_TIMEOUT_MS = 300_000;
const URL_HEAD_MS = 30_000;
const URL_ANSWER_MS = 60_000;
/** Most bytes of the answer of a URL that are kept. */
const URL_ANSWER_BYTES = 64 * 1024;

/** Time until the intake of flows has stored a run. */
const RUN_HEAD_MS = 30_000;

type FunctionTarget = Extract<CallTarget, { function: string }>;

export type SenderOptions = Pick<
  EventServices,
  "store" | "platform" | "limits" | "router" | "manager" | "flows" | "callerKey" | "env" | "now"
>;

/** Sends calls to the router and to URLs. Undici is loaded at the first one. */
export class Senders {
  readonly #options: SenderOptions;
  readonly #agents: Agents;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#agents = new Agents({
      allowedHosts: callbackHosts(options.env),
      connections: options.limits.eventCalls,
    });
  }

  /** Never rejects. */
  async send(call: LeasedCall, signal: AbortSignal): Promise<Exchanged> {
    const { target } = call;
    try {
      if (isCommand(target)) return await this.#toManager(call, signal);
      if ("flow" in target) return await this.#toFlow(call, target.flow, signal);
      return "function" in target
        ? await this.#toFunction(call, target, signal)
        : await this.#toUrl(call, target.url, signal);
    } catch (error) {
      const { message } = error as Error;
      return {
        sent: isAway(error) ? { postponed: message } : { forbidden: `It cannot be sent: ${message}` },
      };
    }
  }

  async close(): Promise<void> {
    await this.#agents.close();
  }

  async #toFunction(call: LeasedCall, target: FunctionTarget, signal: AbortSignal): Promise<Exchanged> {
    const { limits, platform, router, callerKey, store } = this.#options;
    const { method, path, body } = call.request;
    const at = target.version === undefined ? "" : `@${target.version}`;
    const uploadMs = "inline" in body ? 0 : limits.uploadMs;
    const timeoutMs = longestTimeout(platform.endpoints(target.function));
    return await exchange(
      {
        ...{ dispatcher: await this.#agents.own(), origin: router(), method, body, signal },
        // A path without a slash would make another name of it.
        path: `/fn/${encodeURIComponent(target.function)}${at}${path.startsWith("/") ? path : `/${path}`}`,
        headers: [...attemptFields(call), "x-skiff-key", callerKey],
        headMs: limits.instanceWaitMs + timeoutMs + uploadMs + MARGIN_MS,
        answerMs: limits.uploadMs,
      },
      { bodies: store.bodies, mostBytes: limits.resultBytes, trustsMark: true },
    );
  }

  /** The answer comes when the run is stored. The idempotency key keeps a repeated call from beginning another one. */
  async #toFlow(call: LeasedCall, flow: string, signal: AbortSignal): Promise<Exchanged> {
    const { limits, router, flows = router, callerKey, store } = this.#options;
    const { body } = call.request;
    const uploadMs = "inline" in body ? 0 : limits.uploadMs;
    return await exchange(
      {
        ...{ dispatcher: await this.#agents.own(), origin: flows(), method: "POST", body, signal },
        path: `/flow/${encodeURIComponent(flow)}/run`,
        headers: [...attemptFields(call), "x-skiff-key", callerKey],
        headMs: uploadMs + RUN_HEAD_MS + MARGIN_MS,
        answerMs: limits.uploadMs,
      },
      { bodies: store.bodies, mostBytes: limits.resultBytes, trustsMark: true },
    );
  }

  /** The manager answers when the command has ended. */
  async #toManager(call: LeasedCall, signal: AbortSignal): Promise<Exchanged> {
    const { limits, router, manager = router, callerKey, store } = this.#options;
    const { method, path, body } = call.request;
    const uploadMs = "inline" in body ? 0 : limits.uploadMs;
    return await exchange(
      {
        ...{ dispatcher: await this.#agents.own(), origin: manager(), path, method, body, signal },
        headers: [...attemptFields(call), "authorization", `Bearer ${callerKey}`],
        headMs: limits.pullMs + limits.startMs + limits.execMs + uploadMs + MARGIN_MS,
        answerMs: limits.uploadMs,
      },
      { bodies: store.bodies, mostBytes: limits.resultBytes, trustsMark: true },
    );
  }

  /** Redirects are not followed: they could lead to an address that is not allowed. */
  async #toUrl(call: LeasedCall, text: string, signal: AbortSignal): Promise<Exchanged> {
    const { env, store, now } = this.#options;
    const { bodies } = store;
    const { method, path, body } = call.request;
    const url = new URL(text);
    const secret = env.SKIFF_CALLBACK_SECRET;
    const signature = secret ? await signatureFields(secret, { id: call.id, body, now: now() }, bodies) : [];
    let dispatcher: Agent;
    try {
      dispatcher = await this.#agents.of(url);
    } catch (error) {
      return { sent: { forbidden: (error as Error).message } };
    }
    return await exchange(
      {
        dispatcher,
        ...{ origin: url.origin, path, method, body, signal },
        headers: [...attemptFields(call), ...signature],
        ...{ headMs: URL_HEAD_MS, answerMs: URL_ANSWER_MS },
      },
      { bodies, mostBytes: URL_ANSWER_BYTES, trustsMark: false },
    );
  }
}

function longestTimeout(endpoints: Endpoints | undefined): number {
  const times = endpoints?.versions.map(({ timeoutMs }) => timeoutMs) ?? [];
  return times.length === 0 ? UNKNOWN_TIMEOUT_MS : Math.max(...times);
}
