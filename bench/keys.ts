/**
 * The time to check the key of a caller, with 1,000 keys in the table: `node bench/keys.ts [CHECKS]`. The target is
 * 20 µs. A check does not depend on the number of keys, because the id in a key finds its hash.
 */
import { KeyTable } from "../platform/keys/key-table.ts";
import { Callers } from "../router/call/caller.ts";
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

/** Microseconds for one check. */
function measure(texts: readonly string[]): number {
  const beganMs = performance.now();
  for (let at = 0; at < checks; at++) {
    callers.check({ name: "hello", access: "key", text: texts[at % KEYS], address: "192.0.2.1" });
  }
  return ((performance.now() - beganMs) * 1_000) / checks;
}

const kinds = { valid: keys, "wrong secret": wrong, "unknown id": unknown };
// In turn, so that a busy moment of the machine does not hit one kind alone.
const rounds = Array.from({ length: ROUNDS }, () =>
  Object.fromEntries(Object.entries(kinds).map(([kind, texts]) => [kind, measure(texts)])),
);
for (const kind of Object.keys(kinds)) {
  const sorted = rounds.map((round) => round[kind]!).sort((a, b) => a - b);
  console.log(`${kind}: ${sorted[Math.floor(ROUNDS / 2)]!.toFixed(2)} µs at the median of ${ROUNDS} rounds`);
}
