import type { Extension } from "@codemirror/state";

export type Language = "typescript" | "javascript" | "json" | "yaml" | "python" | "text";

const BY_ENDING: Readonly<Record<string, Language>> = {
  ts: "typescript",
  tsx: "typescript",
  mts: "typescript",
  cts: "typescript",
  js: "javascript",
  jsx: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  json: "json",
  jsonc: "json",
  map: "json",
  yaml: "yaml",
  yml: "yaml",
  py: "python",
};

/** Returns the language of a file by the end of its name. */
export function languageOf(path: string): Language {
  const ending = /\.([^./]+)$/.exec(path)?.[1] ?? "";
  return BY_ENDING[ending.toLowerCase()] ?? "text";
}

const loaded = new Map<Language, Promise<Extension>>();

/** Loads the grammar of a language, once; each one is a module of its own. */
export function loadLanguage(language: Language): Promise<Extension> {
  const found = loaded.get(language) ?? importLanguage(language);
  loaded.set(language, found);
  found.catch(() => loaded.delete(language));
  return found;
}

async function importLanguage(language: Language): Promise<Extension> {
  switch (language) {
    case "typescript":
    case "javascript": {
      const { javascript } = await import("@codemirror/lang-javascript");
      return javascript({ jsx: true, typescript: language === "typescript" });
    }
    case "json":
      return (await import("@codemirror/lang-json")).json();
    case "yaml":
      return (await import("@codemirror/lang-yaml")).yaml();
    case "python":
      return (await import("@codemirror/lang-python")).python();
    case "text":
      return [];
  }
}
