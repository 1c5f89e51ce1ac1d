import type { AttemptInput } from "../../../platform/flows/description/attempt-input.ts";
import type { AttemptOf, Entry, KeptBody, KeptValue } from "../../../platform/flows/run/entry.ts";
import type { Bodies } from "../../../store/bodies.ts";
import type { Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { entriesOf } from "./entries.ts";

/** Entries that are read for one input, about. */
const MOST_BYTES = 32 * 1024 * 1024;
const NO_OUTPUT: KeptValue = { json: null };

/** Evaluates once more what an attempt got. Its library loads with the first use. */
export async function readAttemptInput(
  services: Services,
  id: string,
  of: AttemptOf,
): Promise<Exclude<AttemptInput, { missing: unknown }>> {
  const entries = await entriesUpTo(services, id, of);
  if (entries === undefined)
    return { fault: "The outputs before this attempt are too large to be shown here." };
  const { attemptInput, stateUpTo } = await import("../../../platform/flows/description/attempt-input.ts");
  const { Expressions } = await import("../../../platform/flows/expressions/expressions.ts");
  const { flowItems, flowOutputBytes } = services.limits;
  const loaded = new Map<string, { readonly json: unknown }>();
  const options = {
    limits: { flowItems, flowOutputBytes },
    expressions: new Expressions(),
    value: ({ body }: KeptBody) => loaded.get(body),
  };
  const state = stateUpTo(entries);
  let bytes = 0;
  for (;;) {
    const read = attemptInput(state, of, options);
    if (!("missing" in read)) return read;
    for (const body of read.missing) {
      bytes += body.bytes;
      if (bytes > MOST_BYTES) return { fault: "The input is too large to be shown here." };
      loaded.set(body.body, { json: await jsonOf(requirePart(services, "bodies"), body) });
    }
  }
}

/** The entries up to that with which the attempt started; undefined if they are too large. */
async function entriesUpTo(services: Services, id: string, of: AttemptOf): Promise<Entry[] | undefined> {
  const entries: Entry[] = [];
  let bytes = 0;
  for await (const entry of entriesOf(requirePart(services, "runs"), id)) {
    const kept = needed(entry, of);
    entries.push(kept);
    if (entry.kind === "started" && entry.step === of.step && entry.item === of.item) {
      if (entry.attempt === of.attempt) return entries;
    }
    if ("output" in kept && kept.output !== undefined && kept.output !== NO_OUTPUT) {
      bytes += JSON.stringify(kept.output).length;
      if (bytes > MOST_BYTES) return undefined;
    }
  }
  return entries;
}

/** An item sees no output of other items; an iteration sees that of the one before. */
function needed(entry: Entry, { step, item }: AttemptOf): Entry {
  if (entry.kind !== "done" && entry.kind !== "failed") return entry;
  if (entry.step !== step || entry.output === undefined || entry.item === (item ?? 0) - 1) return entry;
  return { ...entry, output: NO_OUTPUT };
}

async function jsonOf(bodies: Bodies, { body: id, bytes }: KeptBody): Promise<unknown> {
  const parts: Uint8Array[] = [];
  for await (const part of bodies.read({ id, bytes })) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString()) as unknown;
}
