import { readFileSync } from "node:fs";
import type { Adapters } from "../build/choose-handler.ts";

/** Reads the programs that serve handlers. */
export function readAdapters(): Adapters {
  const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");
  return { node: read("node.mjs"), python3: read("python.py") };
}
