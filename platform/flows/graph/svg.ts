import { FILLS } from "./fills.ts";
import type { FlowGraph } from "./flow-graph.ts";
import { type Placed, placed } from "./layout.ts";

const STROKES = { needs: "#495057", else: "#1971c2", catch: "#c2255c" } as const;
const HEAD =
  '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8Z" fill="#495057"/></marker>';

/** Returns the graph as a picture in SVG, which needs nothing else. */
export function svgOf(graph: FlowGraph): string {
  const { width, height, nodes, edges } = placed(graph);
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Flow">`;
  return `${[open, `<defs>${HEAD}</defs>`, `<rect width="${w}" height="${h}" fill="#fff"/>`, ...edges.map(edgeOf), ...nodes.map(nodeOf), "</svg>"].join("\n")}\n`;
}

function edgeOf({ kind, points, label, text }: Placed["edges"][number]): string {
  const way = points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join(" ");
  const dash = kind === "needs" ? "" : ' stroke-dasharray="5 4"';
  const line = `<path d="${way}" fill="none" stroke="${STROKES[kind]}"${dash} marker-end="url(#head)"/>`;
  if (text === "") return line;
  const at = `x="${round(label.x)}" y="${round(label.y)}"`;
  return `${line}<text ${at} text-anchor="middle" fill="${STROKES[kind]}" stroke="#fff" stroke-width="4" paint-order="stroke">${escaped(text)}</text>`;
}

function nodeOf({ name, text, isFinally, state, ...box }: Placed["nodes"][number]): string {
  const [x, y] = [box.x - box.width / 2, box.y - box.height / 2];
  const fill = FILLS[state ?? "pending"];
  const rect = `<rect x="${round(x)}" y="${round(y)}" width="${round(box.width)}" height="${box.height}" rx="${isFinally ? 20 : 6}" fill="${fill}" stroke="#495057"/>`;
  const line = (dy: number, more: string, content: string) =>
    `<text x="${round(box.x)}" y="${round(box.y + dy)}" text-anchor="middle"${more}>${escaped(content)}</text>`;
  const title = state === undefined ? "" : `<title>${escaped(`${name}: ${state}`)}</title>`;
  return `<g>${title}${rect}${line(-4, ' font-weight="600"', name)}${line(12, ' fill="#495057"', text)}</g>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Control characters are not allowed in XML (XML 1.0, section 2.2). */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
