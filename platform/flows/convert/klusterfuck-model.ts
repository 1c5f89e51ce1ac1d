/**
 * A flow as Klusterfuck keeps it: `{nodes: [{id, data: {category, text, functionId | connectorId, url}}], links: [{from, to}]}`.
 * Early ones have `type` instead of `category`; `edges` with `source` and `target` are read too. Its API answers the flow with
 * this model as the text `contents`.
 */
export interface Model {
  readonly name?: string;
  readonly nodes: readonly ModelNode[];
  readonly links: readonly ModelLink[];
}

export interface ModelNode {
  readonly id: string;
  readonly category: "fn" | "connector";
  /** What people read in the editor. */
  readonly text: string;
  /** Id of the function or of the connector. */
  readonly ref: string;
  readonly url: string;
}

export interface ModelLink {
  readonly from: string;
  readonly to: string;
}

export class ConversionFault extends Error {}

type Members = Readonly<Record<string, unknown>>;

/** Throws `ConversionFault` for a value that is none. `warn` gets what is left out. */
export function readModel(value: unknown, warn: (warning: string) => void): Model {
  const outer = membersOf(value, "The flow");
  if (typeof outer.contents === "string") {
    const inner = readModel(parsed(outer.contents), warn);
    const name = outer.displayName ?? outer.name;
    return typeof name === "string" ? { ...inner, name } : inner;
  }
  const nodes = listOf(outer.nodes, "nodes").flatMap((node) => readNode(node, warn));
  const links = listOf(outer.links ?? outer.edges ?? [], "links").map(readLink);
  const ids = new Set(nodes.map(({ id }) => id));
  if (ids.size < nodes.length)
    throw new ConversionFault("Two nodes have the same id: the ids of nodes must differ.");
  return { nodes, links: links.filter((link) => isBetween(link, ids, warn)) };
}

function readNode(value: unknown, warn: (warning: string) => void): ModelNode[] {
  const node = membersOf(value, "A node");
  const id = textOf(node.id);
  if (id === "") throw new ConversionFault("A node has no id.");
  const data = membersOf(node.data, `The data of node ${id}`);
  const kind = data.category ?? data.type;
  const category = kind === "fn" || kind === "function" ? "fn" : kind === "connector" ? kind : undefined;
  if (category === undefined) {
    warn(
      `Node ${id} was left out: its category is ${textOf(kind) || "absent"}, neither \`fn\` nor \`connector\`.`,
    );
    return [];
  }
  const ref = textOf(data[category === "fn" ? "functionId" : "connectorId"]);
  return [{ id, category, text: textOf(data.text), ref, url: textOf(data.url) }];
}

function readLink(value: unknown): ModelLink {
  const link = membersOf(value, "A link");
  return { from: textOf(link.from ?? link.source), to: textOf(link.to ?? link.target) };
}

function isBetween(
  { from, to }: ModelLink,
  ids: ReadonlySet<string>,
  warn: (warning: string) => void,
): boolean {
  const isKnown = ids.has(from) && ids.has(to);
  if (!isKnown)
    warn(`The link from ${from || "nothing"} to ${to || "nothing"} was left out: it has no such node.`);
  return isKnown;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConversionFault("`contents` of the flow is not JSON.");
  }
}

function membersOf(value: unknown, what: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw new ConversionFault(`${what} is not an object: a flow of Klusterfuck is {nodes, links}.`);
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ConversionFault(`\`${what}\` is not a list: a flow of Klusterfuck is {nodes, links}.`);
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}`.trim() : "";
}
