import type { Files } from "../../archive.ts";
import { readJson } from "../config/json-file.ts";

/** A text at the top level of TOML. A table ends that level. */
const MAIN = /^[ \t]*(?:main|"main"|'main')[ \t]*=[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)')/m;
const TABLE = /^[ \t]*\[/m;

/** The `main` of a configuration of Wrangler, with the name of the file; undefined if there is none. */
export function wranglerMain(files: Files): { readonly file: string; readonly main: string } | undefined {
  for (const file of ["wrangler.json", "wrangler.jsonc"]) {
    const main = readJson(files, file)?.main;
    if (typeof main === "string") return { file, main };
  }
  const toml = files.get("wrangler.toml");
  if (!toml) return undefined;
  const text = new TextDecoder().decode(toml);
  const [, quoted, literal] = MAIN.exec(text.slice(0, TABLE.exec(text)?.index)) ?? [];
  const main = literal ?? quoted?.replaceAll(/\\(["\\])/g, "$1");
  return main === undefined ? undefined : { file: "wrangler.toml", main };
}
