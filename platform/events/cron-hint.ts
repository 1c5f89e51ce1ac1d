/** An expression behind `cron:`, or the first one of a list, that YAML takes for an alias or refuses. */
const BARE = /\bcron["']?\s*:\s*(?:-\s*|\[\s*)?[*@]/;

/** Says, for a text that is not valid YAML, which expressions need quotes. Empty if there are none. */
export function cronHint(yaml: string): string {
  return BARE.test(yaml) ? ' Quote an expression that begins with * or @: cron: "*/5 * * * *".' : "";
}
