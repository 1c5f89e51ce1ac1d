import { setTimeout as pause } from "node:timers/promises";
import { isAway } from "../../calling/away.ts";
import type { Answer, Attempt } from "../../store/call.ts";
import type { LeasedCall, Settlement } from "../../store/calls.ts";
import type { AttemptEnd, DeliveryHooks, Effects, EventServices } from "../services.ts";
import { callbackOf } from "./callback.ts";
import type { Senders } from "./senders.ts";
import { judge, lateness, type Verdict } from "./verdict.ts";

export interface RunnerOptions extends Pick<EventServices, "platform" | "now" | "random" | "print"> {
  readonly senders: Pick<Senders, "send">;
  readonly hooks: readonly DeliveryHooks[];
}

/** An attempt that ended, without the lease. */
export interface Ran extends Effects {
  readonly attempt?: Attempt | undefined;
  readonly outcome: Settlement["outcome"] | { readonly state: "refused"; readonly retryAfterMs: number };
}

const HOOK_PAUSE_MS = 500;

/** Runs attempts of calls: sends the request, judges what came back, and gathers what is stored with it. */
export class Runner {
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /**
   * @param signal ends the attempt; it counts then, because the function may have run
   * @throws Problem `store_unavailable` if the store stays away until then; whatever a hook throws
   */
  async run(call: LeasedCall, signal: AbortSignal): Promise<Ran> {
    const { senders, platform, now, random } = this.#options;
    const startedAt = now();
    const late = lateness(call, startedAt);
    const { target } = call;
    const isKnown = () => "function" in target && platform.endpoints(target.function) !== undefined;
    if (late !== undefined) {
      const isMissing = "function" in target && !isKnown();
      const reason = isMissing ? `${late} There is no function "${target.function}".` : late;
      return this.#ended({ call, outcome: { state: "dead", reason } }, signal);
    }
    const { sent, answer: received, callId } = await senders.send(call, signal);
    // What Skiff itself says is no answer of the function.
    const answer = "response" in sent && sent.response.isUnforwarded ? undefined : received;
    const endedAt = now();
    const verdict = judge(call, sent, { now: endedAt, random: random(), isKnown: isKnown() });
    if (verdict.kind === "refused") {
      return { outcome: { state: "refused", retryAfterMs: verdict.retryAfterMs } };
    }
    const error = verdict.kind === "done" ? undefined : verdict.error;
    const attempt = { number: call.attempt, startedAt, endedAt, callId, status: received?.status, error };
    return this.#ended(
      { call, attempt, answer, outcome: outcomeOf(call, verdict, { answer, endedAt }) },
      signal,
    );
  }

  async #ended(given: AttemptEnd, signal: AbortSignal): Promise<Ran> {
    let end = given;
    const effects: Effects[] = [];
    for (const hook of this.#options.hooks) {
      if (!hook.ended) continue;
      const effect = await this.#effectsOf(() => hook.ended!(end), signal);
      if (effect.fault !== undefined) end = failedBy(effect.fault, end);
      effects.push(effect);
    }
    const { now, random } = this.#options;
    const callback = callbackOf(end, { now: now(), random });
    const calls = [...effects.flatMap((each) => each.calls ?? []), ...(callback ? [callback] : [])];
    const events = effects.flatMap((each) => each.events ?? []);
    const reply = effects.find((each) => each.reply !== undefined)?.reply;
    const { attempt, outcome } = end;
    return {
      ...{ attempt, outcome, reply },
      ...(calls.length > 0 ? { calls } : {}),
      ...(events.length > 0 ? { events } : {}),
    };
  }

  /** A hook that needs the store waits for it, like the settlement. */
  async #effectsOf(hook: () => Promise<Effects> | Effects, signal: AbortSignal): Promise<Effects> {
    for (;;) {
      try {
        return await hook();
      } catch (error) {
        // Without what follows, the end is not stored either.
        if (!isAway(error) || signal.aborted) throw error;
        await pause(HOOK_PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }
}

interface Ended {
  readonly answer: Answer | undefined;
  readonly endedAt: number;
}

function outcomeOf(
  { keepsRecord }: LeasedCall,
  verdict: Exclude<Verdict, { kind: "refused" }>,
  { answer, endedAt }: Ended,
): Settlement["outcome"] {
  if (verdict.kind === "retry") return { state: "waiting", dueAt: endedAt + verdict.delayMs };
  if (verdict.kind === "dead") return { state: "dead", reason: verdict.reason, answer };
  // Without a record nobody can read the answer.
  return keepsRecord ? { state: "done", answer } : { state: "done" };
}

/** A function that answered with something that cannot be used has failed. */
function failedBy(fault: string, end: AttemptEnd): AttemptEnd {
  const { attempt, answer } = end;
  return {
    ...end,
    attempt: attempt && { ...attempt, error: fault },
    outcome: { state: "dead", reason: fault, answer },
  };
}
