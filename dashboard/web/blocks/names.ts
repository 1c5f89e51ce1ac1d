import { useResource } from "../api/resource.ts";

/** Names of functions, topics or flows, for suggestions; none where they may not be read. */
export function useNames(kind: "func" | "topic" | "flow"): readonly string[] {
  const member = { func: "functions", topic: "topics", flow: "flows" }[kind];
  const found = useResource<Readonly<Record<string, readonly { readonly name: string }[]>>>(`/${kind}`);
  return (found.data?.[member] ?? []).map(({ name }) => name);
}
