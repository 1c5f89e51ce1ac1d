const WIDTH = 100;

/** Writes a value as YAML. The library loads with the first use. */
export async function yamlText(value: unknown): Promise<string> {
  const { dump } = await import("js-yaml");
  return dump(value, { lineWidth: WIDTH, noRefs: true });
}
