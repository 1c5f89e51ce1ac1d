import type { DeclaredFunction, DeclaredObject } from "./declared.ts";
import type { Reading } from "./members.ts";
import { below } from "./mistakes.ts";

interface FunctionEntry {
  readonly name: string;
  readonly entry: Readonly<Record<string, unknown>>;
  readonly pointer: string;
}

/**
 * Returns the subscription that `topic` of a function stands for, with the name of the function; `channel` is its group.
 * Kubefuncs wrote subscriptions like this.
 */
export function subscriptionOf(
  { manifest, mistakes }: Reading,
  { name, entry, pointer }: FunctionEntry,
): Pick<DeclaredFunction, "subscription"> {
  const { topic = null, channel = null } = entry;
  if (topic === null) {
    if (channel === null) return {};
    const detail = `"${name}" has a channel, but no topic: add topic, or leave channel out.`;
    mistakes.add(manifest, below(pointer, "channel"), detail);
    return {};
  }
  const group = channel === null ? {} : { group: channel };
  const subscription: DeclaredObject = {
    plural: "subscriptions",
    name,
    pointer,
    spec: { topic, function: name, ...group },
  };
  return { subscription };
}
