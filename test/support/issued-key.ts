import type { KeySpec } from "../../platform/keys/key.ts";
import type { KeyTable } from "../../platform/keys/key-table.ts";
import { hashOf, newKeyId, newKeyText } from "../../platform/keys/key-text.ts";

export interface IssuedKey {
  readonly id: string;
  readonly text: string;
  readonly spec: KeySpec;
  /** The header with the key. */
  readonly authorization: string;
}

/** A key in a table, with the scope `call` unless `more` has others. */
export function issuedKey(table: Pick<KeyTable, "set">, more: Partial<KeySpec> = {}): IssuedKey {
  const id = newKeyId();
  const text = newKeyText(id);
  const spec: KeySpec = { name: "test", scopes: ["call"], hash: hashOf(text).toString("hex"), ...more };
  const fault = table.set(id, { ...spec });
  if (fault !== undefined) throw new Error(fault);
  return { id, text, spec, authorization: `Bearer ${text}` };
}
