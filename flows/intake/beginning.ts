import { keyReused, type RequestIdentity } from "../../calling/requests/request-identity.ts";
import type { Principal } from "../../http/access/principal.ts";
import { isTraceparent } from "../../http/traceparent.ts";
import type { KeptValue, Trigger } from "../../platform/flows/run/entry.ts";
import { LIMITS, type Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import type { Flow } from "../engine/flow-table.ts";
import type { FlowServices } from "../services.ts";
import type { Input } from "./inputs.ts";

export interface Beginner {
  readonly id: string;
  readonly flow: Flow;
  readonly trigger: Trigger;
  readonly input: Input;
  readonly caller: Pick<Principal, "by" | "keyId">;
  /** The field of the request, unchecked. */
  readonly traceparent: string | undefined;
  readonly identity: RequestIdentity | undefined;
  /** What must be equal in a request that is repeated, besides its body. */
  readonly parts: readonly unknown[];
}

export interface BegunRun {
  readonly id: string;
  /** False for a repeated request. */
  readonly isNew: boolean;
  readonly traceparent: string;
}

/** Stores runs. */
export class Beginning {
  readonly #services: Pick<FlowServices, "newRuns" | "begin" | "store" | "limits">;

  constructor(services: Pick<FlowServices, "newRuns" | "begin" | "store" | "limits">) {
    this.#services = services;
  }

  /**
   * Durable when it resolves.
   * @throws Problem `too_many_runs`, `idempotency_key_reused`, `store_unavailable`
   */
  async begin({
    id,
    flow,
    trigger,
    input,
    caller,
    traceparent,
    identity,
    parts,
  }: Beginner): Promise<BegunRun> {
    const { newRuns, begin, limits } = this.#services;
    const scope = trigger.kind === "http" ? `flow/${flow.name}/http` : `flow/${flow.name}`;
    const run = newRuns.newRun(flow, {
      ...{ id, trigger, input: input.value, by: caller.by, keyId: caller.keyId },
      traceparent: traceparent !== undefined && isTraceparent(traceparent) ? traceparent : undefined,
      idempotency: identity?.idempotency(caller, { scope, parts }),
    });
    const outcome = await begin(run);
    // Otherwise it is removed after an hour.
    if ("refused" in outcome || !outcome.isNew) await this.#forget(input.value);
    if ("refused" in outcome) throw outcome.refused === "full" ? tooManyRuns(flow.name, limits) : keyReused();
    return { ...outcome, traceparent: run.begun.traceparent };
  }

  async #forget(value: KeptValue): Promise<void> {
    if ("json" in value) return;
    await this.#services.store.bodies.remove({ id: value.body, bytes: value.bytes });
  }
}

function tooManyRuns(flow: string, { liveRuns }: Limits): Problem {
  const setting = LIMITS.liveRuns[0];
  const detail = `${liveRuns} runs of the flow "${flow}" have not ended (${setting}): try again later, or cancel some.`;
  return new Problem("too_many_runs", detail, { retryAfterS: 5, setting });
}
