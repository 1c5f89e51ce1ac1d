/**
 * The time to check the key of a caller, with 1,000 keys in the table: `node bench/keys.ts [CHECKS]`. The target is
 * 20 µs. A check does not depend on the number of keys, because the id in a key finds its hash. The time of the
 * processor counts on a busy machine. Answers to wrong keys include the problem with its text.
 */

import { Callers } from "../http/access/caller.ts";
import { KeyTable } from "../platform/keys/key-table.ts";
import { issuedKey } from "../test/support/issued-key.ts";

const KEYS = 1_000;
const ROUNDS = 5;
const checks = Number(process.argv[2] ?? 200_000);

const table = new KeyTable();
// Every wrong key is checked, as from many addresses.
const callers = new Callers({ attempts: Number.POSITIVE_INFINITY }, table);
const keys = Array.from({ length: KEYS }, () => issuedKey(table).text);
const unknown = Array.from({ length: KEYS }, () => issuedKey({ set: () => undefined }).text);
const wrong = keys.map((text, at) => text.slice(0, 15) + unknown[at]!.slice(15));

/** Microseconds of one check: on the clock, and of the processor. */
function measure(texts: readonly string[]): [clock: number, processor: number] {
  const [beganMs, began] = [performance.now(), process.cpuUsage()];
  for (let at = 0; at < checks; at++) {
    callers.check({ name: "hello", access: "key", text: texts[at % KEYS], address: "192.0.2.1" });
  }
  const { user, system } = process.cpuUsage(began);
  return [((performance.now() - beganMs) * 1_000) / checks, (user + system) / checks];
}

const kinds = { valid: keys, "wrong secret": wrong, "unknown id": unknown };
const rounds: Record<string, [clock: number, processor: number][]> = {};
// In turn, so that a busy moment of the machine does not hit one kind alone. The first round warms up.
for (let round = 0; round <= ROUNDS; round++) {
  for (const [kind, texts] of Object.entries(kinds)) {
    const measured = measure(texts);
    if (round > 0) rounds[kind] = [...(rounds[kind] ?? []), measured];
  }
}
const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
for (const [kind, measured] of Object.entries(rounds)) {
  const clock = median(measured.map(([each]) => each)).toFixed(2);
  const processor = median(measured.map(([, each]) => each)).toFixed(2);
  console.log(`${kind}: ${clock} µs, ${processor} µs of the processor (medians of ${ROUNDS} rounds)`);
}
