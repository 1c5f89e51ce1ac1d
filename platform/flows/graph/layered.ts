import type { FlowGraph } from "./flow-graph.ts";

/** Each node below all that lead to it. */
export type Ranks = ReadonlyMap<string, number>;

/** Returns the longest way to each node. Edges of a circle count once. Costs as much as there are edges. */
export function ranksOf({ nodes, edges }: FlowGraph): Ranks {
  const ranks = new Map(nodes.map(({ name }) => [name, 0]));
  const missing = new Map(nodes.map(({ name }) => [name, 0]));
  const next = Map.groupBy(edges, ({ from }) => from);
  for (const { to } of edges) missing.set(to, (missing.get(to) ?? 0) + 1);
  const order = nodes.map(({ name }) => name).filter((name) => missing.get(name) === 0);
  // The list grows while it is walked.
  for (const name of order) {
    for (const { to } of next.get(name) ?? []) {
      ranks.set(to, Math.max(ranks.get(to)!, ranks.get(name)! + 1));
      const left = missing.get(to)! - 1;
      missing.set(to, left);
      if (left === 0) order.push(to);
    }
  }
  return ranks;
}

/** Rows of nodes by rank. In each row those that come after the same nodes are together. */
export function rowsOf({ nodes, edges }: FlowGraph, ranks: Ranks): readonly (readonly string[])[] {
  const rows: string[][] = [];
  for (const { name } of nodes) {
    const rank = ranks.get(name)!;
    while (rows.length <= rank) rows.push([]);
    rows[rank]!.push(name);
  }
  const previous = Map.groupBy(edges, ({ to }) => to);
  const places = new Map<string, number>();
  for (const row of rows) {
    const middle = (name: string): number => {
      const before = (previous.get(name) ?? []).flatMap(({ from }) => places.get(from) ?? []);
      return before.length === 0 ? 0 : before.reduce((sum, place) => sum + place, 0) / before.length;
    };
    const middles = new Map(row.map((name) => [name, middle(name)]));
    row.sort((a, b) => middles.get(a)! - middles.get(b)!);
    row.forEach((name, index) => {
      places.set(name, index - (row.length - 1) / 2);
    });
  }
  return rows;
}
