import { FILLS } from "./fills.ts";
import type { FlowGraph, GraphEdge } from "./flow-graph.ts";

/** Returns the graph as a flowchart of Mermaid, which GitHub and GitLab draw in Markdown. */
export function mermaidOf({ nodes, edges }: FlowGraph): string {
  const lines = nodes.map(({ name, text, isFinally, state }) => {
    const label = `${name}<br/>${quoted(text)}`;
    const shape = isFinally ? `(["${label}"])` : `["${label}"]`;
    return `  ${idOf(name)}${shape}${state === undefined ? "" : `:::${state}`}`;
  });
  const states = new Set(nodes.flatMap(({ state }) => state ?? []));
  const classes = [...states].map((state) => `  classDef ${state} fill:${FILLS[state]}`);
  return ["flowchart TD", ...lines, ...edges.map(edgeLine), ...classes, ""].join("\n");
}

/** A word such as `end` would be one of Mermaid's own. */
function idOf(name: string): string {
  return `s_${name}`;
}

function edgeLine({ from, to, kind, text }: GraphEdge): string {
  const arrow = kind === "needs" ? "-->" : "-.->";
  const label = kind === "catch" ? `catch ${text}` : text;
  return `  ${idOf(from)} ${arrow}${label === "" ? "" : `|"${quoted(label)}"|`} ${idOf(to)}`;
}

/** Entities of Mermaid begin with `#`. */
function quoted(text: string): string {
  return text.replace(/[#"<>&|`\\]/g, (character) => `#${character.charCodeAt(0)};`);
}
