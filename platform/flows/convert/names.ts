import type { ModelNode } from "./klusterfuck-model.ts";

/** Of a step: `[a-z][a-z0-9_]{0,62}`. Gives each name once. */
export class StepNames {
  readonly #given = new Set<string>();

  of({ text, id }: ModelNode): string {
    const plain = slug(text || `step_${id}`, "_").slice(0, 50);
    const base = /^[a-z]/.test(plain) ? plain : `step_${plain || slug(id, "_")}`.replace(/_+$/, "");
    let name = base;
    for (let count = 2; this.#given.has(name); count++) name = `${base}_${count}`;
    this.#given.add(name);
    return name;
  }
}

/** Of a function or a flow: `[a-z]([-a-z0-9]{0,50}[a-z0-9])?`; undefined if nothing of the text is left. */
export function resourceName(text: string): string | undefined {
  const name = slug(text, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 52)
    .replace(/-+$/, "");
  return name === "" ? undefined : name;
}

/** The name of the service: `http://NAME.NAMESPACE.svc.cluster.local`. */
export function serviceOf(url: string): string | undefined {
  const host = /^https?:\/\/([^/:]+)/.exec(url)?.[1] ?? "";
  return /^[\d.]*$/.test(host) ? undefined : resourceName(host.split(".")[0]!);
}

function slug(text: string, separator: "-" | "_"): string {
  return text
    .replaceAll("ß", "ss")
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, separator)
    .replace(/^[-_]+|[-_]+$/g, "");
}
