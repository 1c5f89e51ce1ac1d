import {
  Background,
  type Connection,
  ControlButton,
  Controls,
  type EdgeChange,
  MiniMap,
  type NodeChange,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { FlowGraph, GraphEdge } from "../../../../platform/flows/graph/flow-graph.ts";
import type { StepState } from "../../../../platform/flows/run/error.ts";
import { isDark } from "../../app/theme.ts";
import { Icon } from "../../ui/icon.tsx";
import { edgesOf, type LinkEdge, nodesOf, type Places, type StepNode } from "./canvas-graph.ts";
import { useMovedPlaces } from "./moved-places.ts";
import { StepNodeView } from "./step-node.tsx";

/** A link between two steps. */
export interface CanvasLink {
  readonly from: string;
  readonly to: string;
  readonly kind: GraphEdge["kind"];
}

export interface FlowCanvasProps {
  readonly graph: FlowGraph;
  /** Where the layout puts the steps; those that somebody moved stay where they were put. */
  readonly places: Places;
  /** What the canvas shows, such as `The flow order`. */
  readonly label: string;
  /** Keeps where somebody moved steps, in this browser, by this name. */
  readonly flow?: string | undefined;
  readonly states?: Readonly<Record<string, StepState>>;
  /** Texts by step. */
  readonly faults?: Readonly<Record<string, readonly string[]>>;
  readonly selected?: string | undefined;
  readonly onSelect?: (step: string | undefined) => void;
  /** Without these the canvas is for looking. */
  readonly edits?: CanvasEdits;
}

/** What somebody does on the canvas. The owner changes the text, and the graph follows from it. */
export interface CanvasEdits {
  readonly connect: (from: string, to: string) => void;
  readonly disconnect: (links: readonly CanvasLink[]) => void;
  readonly remove: (steps: readonly string[]) => void;
  /** Something of the palette was dropped: its drag data of the type `DRAGGED`, and the step below it, if there is one. */
  readonly drop: (what: string, onto: string | undefined) => void;
}

/** Media type of what is dragged from the palette. */
export const DRAGGED = "application/x-skiff-step";

const NODE_TYPES = { step: StepNodeView };
const NONE = {};
const NO_LINKS: ReadonlySet<string> = new Set();

/** The graph of a flow. Moving a step changes what this browser shows, never the flow. */
export function FlowCanvas(props: FlowCanvasProps) {
  return (
    <ReactFlowProvider>
      <Canvas key={props.flow} {...props} />
    </ReactFlowProvider>
  );
}

function Canvas({
  graph,
  places,
  label,
  flow,
  states = NONE,
  faults = NONE,
  selected,
  onSelect,
  edits,
}: FlowCanvasProps) {
  const { moved, move, reset } = useMovedPlaces(flow);
  const known = useRef<ReadonlyMap<string, StepNode>>(new Map());
  const { fitView, getIntersectingNodes, screenToFlowPosition } = useReactFlow<StepNode, LinkEdge>();
  const painted = { graph, places, states, faults, selected, readOnly: edits === undefined };
  const nodes = useMemo(() => {
    const all = nodesOf({ ...painted, places: { ...places, ...moved } }, known.current);
    known.current = new Map(all.map((node) => [node.id, node]));
    return all;
  }, [graph, places, moved, states, faults, selected, edits === undefined]);
  const [links, setLinks] = useState(NO_LINKS);
  const edges = useMemo(
    () => edgesOf(painted).map((edge) => (links.has(edge.id) ? { ...edge, selected: true } : edge)),
    [graph, states, links, edits === undefined],
  );
  useEffect(() => {
    if (selected !== undefined) setLinks(NO_LINKS);
  }, [selected]);
  const shape = graph.nodes.length;
  useEffect(() => {
    // After React Flow has measured the nodes. A large flow is not made so small that nobody can read it.
    const frame = requestAnimationFrame(() => void fitView({ padding: 0.15, maxZoom: 1.1, minZoom: 0.35 }));
    return () => cancelAnimationFrame(frame);
  }, [shape, fitView]);
  const change = (changes: NodeChange<StepNode>[]) => {
    const places = changes.flatMap((each) =>
      each.type === "position" && each.position ? [[each.id, each.position] as const] : [],
    );
    if (places.length > 0) {
      const isDown = changes.some((each) => each.type === "position" && each.dragging === false);
      move(Object.fromEntries(places), isDown);
    }
    for (const each of changes) if (each.type === "select" && each.selected) onSelect?.(each.id);
  };
  const selectLinks = (changes: EdgeChange<LinkEdge>[]) => {
    const next = new Set(links);
    for (const each of changes)
      if (each.type === "select") each.selected ? next.add(each.id) : next.delete(each.id);
    setLinks(next);
    // Delete is for what was chosen last: a step or links.
    if (next.size > 0) onSelect?.(undefined);
  };
  const drop = (event: DragEvent) => {
    const what = event.dataTransfer?.getData(DRAGGED);
    if (!what || edits === undefined) return;
    event.preventDefault();
    const { x, y } = screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const [below] = getIntersectingNodes({ x, y, width: 1, height: 1 });
    edits.drop(what, below?.id);
  };
  return (
    <ReactFlow<StepNode, LinkEdge>
      aria-label={label}
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      colorMode={isDark() ? "dark" : "light"}
      onNodesChange={change}
      onEdgesChange={selectLinks}
      onPaneClick={() => onSelect?.(undefined)}
      onConnect={({ source, target }: Connection) => edits?.connect(source, target)}
      onBeforeDelete={async ({ nodes, edges }) => {
        const names = nodes.map(({ id }) => id);
        if (names.length > 0) edits?.remove(names);
        const links = edges.filter(
          ({ source, target }) => !names.includes(source) && !names.includes(target),
        );
        if (links.length > 0)
          edits?.disconnect(
            links.map(({ source, target, data }) => ({ from: source, to: target, kind: data!.kind })),
          );
        // The text decides what is left.
        return false;
      }}
      onDrop={drop}
      onDragOver={(event: DragEvent) => event.preventDefault()}
      nodesConnectable={edits !== undefined}
      deleteKeyCode={edits === undefined ? null : ["Delete", "Backspace"]}
      onlyRenderVisibleElements={shape > 100}
      minZoom={0.1}
      proOptions={{ hideAttribution: false }}
    >
      <Background />
      <Controls showInteractive={false}>
        {Object.keys(moved).length === 0 ? null : (
          <ControlButton onClick={reset} title="Reset layout" aria-label="Reset layout">
            <Icon name="undo" size={14} />
          </ControlButton>
        )}
      </Controls>
      {shape > 12 ? <MiniMap pannable zoomable ariaLabel="Small map of the flow" /> : null}
    </ReactFlow>
  );
}
