import type { Scope } from "../../../platform/keys/scopes.ts";
import { Problem } from "../../../platform/problems.ts";
import type { CallState } from "../../../store/call.ts";
import type { CallFilter } from "../../../store/calls.ts";
import { idFromCursor } from "../cursor.ts";
import { validSubscriptions } from "../events/subscriptions.ts";
import { readParameters, someOf, wholeNumber } from "../read-query.ts";
import { readTime } from "../read-time.ts";
import type { Call, Services } from "../services.ts";
import { reachable } from "./visible-calls.ts";

const STATES: readonly CallState[] = ["waiting", "running", "done", "dead", "cancelled"];

/** The calls that a request concerns. */
export interface AskedCalls {
  /** A call that matches one of them; none if the caller may see no such call. */
  readonly filters: readonly CallFilter[];
  readonly states: readonly CallState[] | undefined;
  /** Whether any parameter narrows the calls down. */
  readonly isNarrowed: boolean;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/**
 * Reads `function`, `state`, `topic`, `subscription`, `schedule`, `since`, `until`, `limit` and `cursor`.
 * @throws Problem `invalid_request` that names what is invalid
 */
export async function readCallQuery(services: Services, ctx: Call, scope: Scope): Promise<AskedCalls> {
  const { limits, keys } = services;
  const text = (value: string | undefined) => value;
  const time = (value: string | undefined, name: string) => readTime(value, name, keys.now());
  const most = limits.pageSize;
  const { limit, cursor, state, ...narrowing } = readParameters(ctx, {
    ...{ function: text, state: someOf(STATES), topic: text, subscription: text, schedule: text },
    ...{ since: time, until: time, limit: wholeNumber(1, most, most), cursor: idFromCursor },
  });
  const { function: name, topic, subscription, schedule, since, until } = narrowing;
  if ([topic, subscription, schedule].filter((each) => each !== undefined).length > 1) {
    throw new Problem("invalid_request", "Name one of topic, subscription and schedule.");
  }
  const filter: CallFilter = {
    ...(name === undefined ? {} : { functions: [name] }),
    ...(state === undefined ? {} : { states: state }),
    ...(since === undefined ? {} : { acceptedSince: since.getTime() }),
    ...(until === undefined ? {} : { acceptedUntil: until.getTime() }),
  };
  const visible = reachable(ctx.state.principal, scope, filter);
  const origins = await originsOf(services, { topic, subscription, schedule });
  const filters = visible === undefined ? [] : origins.map((origin) => ({ ...visible, ...origin }));
  const isNarrowed = Object.values({ ...narrowing, state }).some((value) => value !== undefined);
  return { filters, states: state, isNarrowed, limit, cursor };
}

interface Origins {
  readonly topic: string | undefined;
  readonly subscription: string | undefined;
  readonly schedule: string | undefined;
}

/** Deliveries of a topic are those of its subscriptions. */
async function originsOf(
  services: Services,
  { topic, subscription, schedule }: Origins,
): Promise<readonly Pick<CallFilter, "origin">[]> {
  if (schedule !== undefined) return [{ origin: { kind: "schedule", name: schedule } }];
  if (subscription !== undefined) return [{ origin: { kind: "subscription", name: subscription } }];
  if (topic === undefined) return [{}];
  const all = await validSubscriptions(services);
  return all
    .filter(({ spec }) => spec.topic === topic)
    .map(({ name }) => ({ origin: { kind: "subscription", name } }));
}
