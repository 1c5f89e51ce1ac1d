import type { IncomingMessage } from "node:http";
import type { Trigger } from "../../platform/flows/run/entry.ts";
import { LIVE_STATES } from "../../platform/flows/run/error.ts";
import { Problem } from "../../platform/problems.ts";
import type { FlowServices } from "../services.ts";

const PAGE = 500;
const RETRY_S = 5;

/** Keeps runs of a schedule from overlapping. Calls of such a schedule come one at a time. */
export class Overlaps {
  readonly #store: FlowServices["store"];

  constructor({ store }: Pick<FlowServices, "store">) {
    this.#store = store;
  }

  /**
   * Returns the run of an earlier time that a new one would overlap with, if the schedule skips such times.
   * @throws Problem `too_many_runs` if the new run waits for the end of that one
   */
  async find(request: IncomingMessage, flow: string, trigger: Trigger): Promise<string | undefined> {
    const { "skiff-overlap": overlap } = request.headers;
    if (trigger.kind !== "cron" || (overlap !== "skip" && overlap !== "queue")) return undefined;
    const earlier = await this.#earlier(flow, trigger);
    if (earlier === undefined || overlap === "skip") return earlier;
    const detail = `The run ${earlier} of an earlier time of the schedule is not finished: this one waits for its end.`;
    throw new Problem("too_many_runs", detail, { retryAfterS: RETRY_S });
  }

  async #earlier(
    flow: string,
    { schedule, at }: Extract<Trigger, { kind: "cron" }>,
  ): Promise<string | undefined> {
    for (let after: string | undefined; ; ) {
      const runs = await this.#store.runs.list({ flow, states: LIVE_STATES, after, limit: PAGE });
      const found = runs.find(({ trigger }) => trigger.kind === "cron" && trigger.schedule === schedule);
      // A call that is repeated finds the run that it began itself.
      if (found !== undefined) return (found.trigger as { at: number }).at === at ? undefined : found.id;
      if (runs.length < PAGE) return undefined;
      after = runs.at(-1)!.id;
    }
  }
}
