import { createHash } from "node:crypto";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Content, Draft } from "../../../platform/platform.ts";
import { defaultSettings, type Settings } from "../../../platform/settings/settings.ts";
import { versionHash } from "../../../platform/version-hash.ts";

/** A draft that brings its source and bundle. */
export interface NewDraft extends Draft {
  readonly content: Content;
}

/** The code of a function that answers every request with `text`. */
export function answering(text: string): string {
  return `export default () => ${JSON.stringify(text)};\n`;
}

/** A draft of code that needs no building: plain JavaScript without imports. */
export function draftOf(name: string, code: string, settings: Partial<Settings> = {}): NewDraft {
  return draftOfContent(
    name,
    {
      source: { bytes: new TextEncoder().encode(code), type: "text/typescript" },
      artifact: { kind: "module", code: new TextEncoder().encode(code) },
    },
    settings,
  );
}

export function draftOfContent(name: string, content: Content, settings: Partial<Settings> = {}): NewDraft {
  const all = { ...defaultSettings(limitsFromEnv({})), ...settings };
  const { type, bytes } = content.source;
  const sourceHash = createHash("sha256").update(`${type}\n`).update(bytes).digest("hex");
  return { name, hash: versionHash(sourceHash, all), sourceHash, settings: all, content };
}

/** The same source and bundle as a stored version, with other settings. */
export function sameAs({ content: _, ...draft }: NewDraft, version: number): Draft {
  return { ...draft, content: { sameAs: version } };
}
