import { createHash } from "node:crypto";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Draft } from "../../../platform/platform.ts";
import { canonicalSettings, defaultSettings, type Settings } from "../../../platform/settings.ts";

/** The code of a function that answers every request with `text`. */
export function answering(text: string): string {
  return `export default () => ${JSON.stringify(text)};\n`;
}

/** A draft of code that needs no building: plain JavaScript without imports. */
export function draftOf(name: string, code: string, settings: Partial<Settings> = {}): Draft {
  const all = { ...defaultSettings(limitsFromEnv({})), ...settings };
  return {
    name,
    hash: createHash("sha256").update(code).update(canonicalSettings(all)).digest("hex"),
    source: { bytes: new TextEncoder().encode(code), type: "text/typescript" },
    bundle: { code: new TextEncoder().encode(code) },
    settings: all,
  };
}
