import { Graph, layout } from "@dagrejs/dagre";
import type { FlowGraph, GraphEdge, GraphNode } from "./flow-graph.ts";

export interface Placed {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly (GraphNode & Box)[];
  readonly edges: readonly (GraphEdge & { readonly points: readonly Point[]; readonly label: Point })[];
}

/** `x` and `y` are those of the middle, in pixels. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const CHARACTER = 7.5;
const PADDING = 24;
const HEIGHT = 44;
const LABEL_HEIGHT = 16;
const MARGIN = 12;

/** Returns where everything is, from top to bottom. The same graph has the same places always. */
export function placed({ nodes, edges }: FlowGraph): Placed {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 32, ranksep: 40, marginx: MARGIN, marginy: MARGIN });
  for (const { name, text } of nodes) {
    const width = Math.max(name.length, text.length) * CHARACTER + PADDING;
    graph.setNode(name, { width, height: HEIGHT });
  }
  edges.forEach(({ from, to, text }, index) => {
    const label = text === "" ? {} : { width: text.length * CHARACTER, height: LABEL_HEIGHT, labelpos: "c" };
    graph.setEdge(from, to, label, String(index));
  });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as Partial<Box>;
  return {
    width,
    height,
    nodes: nodes.map((node) => ({ ...node, ...(graph.node(node.name) as Box) })),
    edges: edges.map((edge, index) => {
      const found = graph.edge(edge.from, edge.to, String(index)) as { points: Point[] } & Partial<Point>;
      const middle = found.points[Math.floor(found.points.length / 2)]!;
      return { ...edge, points: found.points, label: { x: found.x ?? middle.x, y: found.y ?? middle.y } };
    }),
  };
}
