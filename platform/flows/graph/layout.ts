import { Graph, layout } from "@dagrejs/dagre";
import type { FlowGraph, GraphEdge, GraphNode } from "./flow-graph.ts";
import { type Ranks, ranksOf, rowsOf } from "./layered.ts";

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
const [ACROSS, DOWN] = [32, 40];

/**
 * Most nodes together with the rows that edges cross: the time of dagre grows with the square of it. Above, lines are straight and may
 * cross nodes.
 */
const MOST_FOR_DAGRE = 400;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Returns where everything is, from top to bottom. The same graph has the same places always.
 * @param size of every node; by default as its text needs it
 */
export function placed(graph: FlowGraph, size?: Size): Placed {
  const sizeOf = size === undefined ? ownSize : () => size;
  const ranks = ranksOf(graph);
  const crossed = graph.edges.reduce((sum, { from, to }) => sum + ranks.get(to)! - ranks.get(from)!, 0);
  return graph.nodes.length + crossed <= MOST_FOR_DAGRE
    ? byDagre(graph, sizeOf)
    : inRows(graph, ranks, sizeOf);
}

type SizeOf = (node: GraphNode) => Size;

function byDagre({ nodes, edges }: FlowGraph, sizeOf: SizeOf): Placed {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: ACROSS, ranksep: DOWN, marginx: MARGIN, marginy: MARGIN });
  for (const node of nodes) graph.setNode(node.name, { ...sizeOf(node) });
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

function inRows(graph: FlowGraph, ranks: Ranks, sizeOf: SizeOf): Placed {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const rows = rowsOf(graph, ranks).map((row) => row.map((name) => byName.get(name)!));
  const lengths = rows.map((row) => row.reduce((sum, node) => sum + sizeOf(node).width + ACROSS, -ACROSS));
  const width = Math.max(0, ...lengths) + 2 * MARGIN;
  const tallest = Math.max(HEIGHT, ...graph.nodes.map((node) => sizeOf(node).height));
  const boxes = new Map<string, Box>();
  for (const [rank, row] of rows.entries()) {
    let x = (width - lengths[rank]!) / 2;
    for (const node of row) {
      const { width: own, height } = sizeOf(node);
      const y = MARGIN + tallest / 2 + rank * (tallest + DOWN);
      boxes.set(node.name, { x: x + own / 2, y, width: own, height });
      x += own + ACROSS;
    }
  }
  return {
    width,
    height: rows.length * (tallest + DOWN) - DOWN + 2 * MARGIN,
    nodes: graph.nodes.map((node) => ({ ...node, ...boxes.get(node.name)! })),
    edges: graph.edges.map((edge) => {
      const [from, to] = [boxes.get(edge.from)!, boxes.get(edge.to)!];
      const [start, end] = [
        { x: from.x, y: from.y + from.height / 2 },
        { x: to.x, y: to.y - to.height / 2 },
      ];
      return { ...edge, points: [start, end], label: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 } };
    }),
  };
}

function ownSize({ name, text }: GraphNode): Size {
  return { width: Math.max(name.length, text.length) * CHARACTER + PADDING, height: HEIGHT };
}
