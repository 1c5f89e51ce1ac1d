import type { Files } from "../archive.ts";
import type { Imports } from "./config/import-map.ts";
import { folderOf, resolvePath } from "./paths.ts";
import type { Sources } from "./sources.ts";

/** Imports of data without an attribute, such as `from "./page.html"`. */
const PLAIN =
  /(?:\bfrom|\bimport)\s{0,20}\(?\s{0,20}(["'])(\.\.?\/[^"'\n\\]{1,300}\.(json|txt|html|css|md|sql|svg|bin))\1(?!\s{0,20}(?:with|assert)\b)(?!\s{0,20},)/g;
const ATTRIBUTED = /(["'])(\.\.?\/[^"'\n\\]{1,300})\1\s{0,20}(?:,\s{0,20}\{\s{0,20})?with\b/g;
const TYPES: Readonly<Record<string, string>> = { json: "json", bin: "bytes" };
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const RESERVED =
  /^(arguments|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|eval|export|extends|false|finally|for|function|if|implements|import|in|instanceof|interface|let|new|null|package|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|var|void|while|with|yield)$/;
const MODULES = ".skiff";

/**
 * Lets modules import JSON, text and bytes without an attribute, as bundlers do. Deno refuses that. Each such file gets a
 * module that imports it with its attribute, and the importing file, in its own scope, finds that module instead.
 * @returns scopes of the import map
 */
export function mapPlainImports(files: Map<string, Uint8Array>, sources: Sources): Record<string, Imports> {
  const scopes: Record<string, Record<string, string>> = {};
  for (const [importer, text] of sources.texts) {
    // The map cannot tell two imports of one file apart.
    const attributed = new Set([...text.matchAll(ATTRIBUTED)].map(([, , specifier]) => specifier));
    for (const [, , specifier = "", ending = ""] of text.matchAll(PLAIN)) {
      const path = resolvePath(folderOf(importer), specifier);
      if (path === undefined || !files.has(path) || attributed.has(specifier)) continue;
      const module = `${MODULES}/${path}.mjs`;
      if (!files.has(module)) files.set(module, moduleFor(files, path, ending));
      const scope = scopes[`./${importer}`] ?? {};
      scope[`./${path}`] = `./${module}`;
      scopes[`./${importer}`] = scope;
    }
  }
  return scopes;
}

function moduleFor(files: Files, path: string, ending: string): Uint8Array {
  const up = "../".repeat(path.split("/").length);
  const type = TYPES[ending] ?? "text";
  const lines = [
    `import content from ${JSON.stringify(up + path)} with { type: "${type}" };`,
    "export default content;",
  ];
  const names = type === "json" ? namesIn(files.get(path)!) : [];
  if (names.length > 0) lines.push(`export const { ${names.join(", ")} } = content;`);
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** Keys of a JSON object that can be imported by name. */
function namesIn(bytes: Uint8Array): string[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    return Object.keys(value).filter(
      (key) => IDENTIFIER.test(key) && !RESERVED.test(key) && key !== "content",
    );
  } catch {
    // Deno reports at the start that the file is no JSON.
    return [];
  }
}
