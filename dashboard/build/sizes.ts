import { basename } from "node:path";
import type { Bundle } from "./bundle.ts";

/** What a browser loads for a part of the page, compressed, in bytes. */
export interface Sizes {
  /** The page that opens first, with its stylesheet. */
  readonly shell: number;
  /** What the code editor adds. */
  readonly editor: number;
  /** What the editor of flows adds to shell and code editor: canvas, forms and dialogs. */
  readonly flow: number;
  /** What checks, lays out and changes flows, beside the page: nothing that is shown first waits for it. */
  readonly worker: number;
}

/** Modules whose chunk is that part. */
const ENTRIES = {
  start: "functions/list-page.tsx",
  editor: "editor/editor.tsx",
  flow: "flows/editor/edit-page.tsx",
  worker: "flows/language/worker.ts",
};

/** Adds up the files of each part that the parts before it have not loaded. */
export function sizesOf({ files, metafile }: Bundle): Sizes {
  const sizes = new Map(files.map(({ name, gzip }) => [name, gzip.length]));
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const closure = (name: string, found = new Set<string>()): Set<string> => {
    if (found.has(name)) return found;
    found.add(name);
    for (const { path, kind } of outputs.get(name)!.imports)
      if (kind === "import-statement") closure(basename(path), found);
    return found;
  };
  const ofModule = (module: string) => {
    const own = [...outputs].find(([, { inputs }]) => module in inputs);
    if (own === undefined) throw new Error(`no file of the page has ${module}`);
    return closure(own[0]);
  };
  const ofEntry = (point: string) => [...outputs].find(([, { entryPoint }]) => entryPoint === point)![0];
  const sum = (names: Iterable<string>) => [...names].reduce((total, name) => total + sizes.get(name)!, 0);
  const shell = closure(ofEntry("main.tsx")).union(ofModule(ENTRIES.start)).add(ofEntry("styles/main.css"));
  const editor = ofModule(ENTRIES.editor).difference(shell);
  const flow = ofModule(ENTRIES.flow).difference(shell).difference(editor);
  return { shell: sum(shell), editor: sum(editor), flow: sum(flow), worker: sum(ofModule(ENTRIES.worker)) };
}
