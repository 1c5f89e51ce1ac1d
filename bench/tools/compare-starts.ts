/**
 * Compares the first call of a sleeping function in two checkouts, in alternation:
 * `node bench/tools/compare-starts.ts BEFORE AFTER [ROUNDS]`. Needs the npm registry.
 */
import { setTimeout } from "node:timers/promises";
import { median } from "./report.ts";
import { SkiffProcess } from "./skiff-process.ts";

/** With packages of 0 to 4 MB. */
const SOURCES: Readonly<Record<string, string>> = {
  "no imports": `export default () => new Response("hi");`,
  hono: `import { Hono } from "npm:hono@4"; export default new Hono().get("/", (c) => c.text("hi"));`,
  zod: `import { z } from "npm:zod@3"; export default () => new Response(z.string().parse("hi"));`,
  express: `import express from "npm:express@4.18.2"; export default () => new Response(typeof express);`,
  "react-dom": `import { renderToString } from "npm:react-dom@19/server"; import { createElement } from "npm:react@19";
    export default () => new Response(renderToString(createElement("p", null, "hi")));`,
  "lodash-es": `import { kebabCase } from "npm:lodash-es@4"; export default () => new Response(kebabCase("a b"));`,
};
/** An instance sleeps after this time. */
const IDLE = "100ms";
/** Pause between two rounds, in which Skiff does what it leaves for later. */
const PAUSE_MS = 500;

/** Returns the milliseconds of a call that finds no instance. */
async function firstCall(skiff: SkiffProcess, name: string): Promise<number> {
  await skiff.stopped(name);
  await setTimeout(PAUSE_MS);
  const startedAt = performance.now();
  const response = await fetch(`${skiff.url}/fn/${name}`);
  await response.text();
  if (!response.ok) throw new Error(`${name} answers ${response.status}`);
  return performance.now() - startedAt;
}

const [before, after, rounds = "11"] = process.argv.slice(2);
if (before === undefined || after === undefined) throw new Error("Name two checkouts.");
const trees = await Promise.all([before, after].map((tree) => SkiffProcess.start({}, [], tree)));
try {
  for (const [title, source] of Object.entries(SOURCES)) {
    const name = title.replaceAll(" ", "-");
    for (const tree of trees) await tree.deploy(name, source, `idle=${IDLE}`);
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < Number(rounds); round++) {
      const order = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      for (const index of order) times[index].push(await firstCall(trees[index]!, name));
    }
    const [was, is] = times.map(median) as [number, number];
    console.log(`${title}: ${was.toFixed(0)} → ${is.toFixed(0)} ms, ratio ${(is / was).toFixed(2)}`);
  }
} finally {
  await Promise.all(trees.map((tree) => tree.close()));
}
