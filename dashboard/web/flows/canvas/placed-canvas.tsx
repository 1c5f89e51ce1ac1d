import { useEffect, useState } from "preact/hooks";
import type { FlowGraph } from "../../../../platform/flows/graph/flow-graph.ts";
import { FlowLanguage } from "../language/client.ts";
import type { Places } from "./canvas-graph.ts";
import { FlowCanvas, type FlowCanvasProps } from "./flow-canvas.tsx";

/** A graph to look at: the worker lays it out. */
export function PlacedCanvas(props: Omit<FlowCanvasProps, "places" | "edits">) {
  const places = usePlaces(props.graph);
  if (places === undefined) return <div class="loading">Loading…</div>;
  return <FlowCanvas {...props} places={places} />;
}

function usePlaces(graph: FlowGraph): Places | undefined {
  const [placed, setPlaced] = useState<{ readonly shape: string; readonly places: Places }>();
  const shape = JSON.stringify([
    graph.nodes.map(({ name }) => name),
    graph.edges.map(({ from, to }) => [from, to]),
  ]);
  useEffect(() => {
    const language = new FlowLanguage(
      () => undefined,
      // Without a layout the steps stand below each other.
      () => setPlaced({ shape, places: {} }),
    );
    language.ask("place", graph).then(
      (places) => setPlaced({ shape, places }),
      () => setPlaced({ shape, places: {} }),
    );
    return () => language.close();
  }, [shape]);
  return placed?.shape === shape ? placed.places : undefined;
}
