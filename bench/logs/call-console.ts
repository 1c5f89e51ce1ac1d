/**
 * Measures what ties `console` to a call: `node bench/logs/call-console.ts [ROUNDS]`. It runs in Deno and takes turns
 * with the same loop without it. bench/requests/instance-cost.ts has the processor time of a whole call to compare with.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { denoPath } from "../../runtimes/deno/deno-binary.ts";
import { median, printTable, type Row } from "../tools/report.ts";

const PROGRAM = `
  import { CallConsole } from ${JSON.stringify(fileURLToPath(new URL("../../client-image/console/call-console.ts", import.meta.url)))};
  const tied = new CallConsole();
  const CALLS = 1_000_000;
  const request = new Request("http://localhost/", { headers: { "x-skiff-call-id": crypto.randomUUID() } });
  const handler = async (request) => request;
  const timeNs = (run) => {
    const startMs = performance.now();
    for (let n = 0; n < CALLS; n++) run();
    return ((performance.now() - startMs) * 1e6) / CALLS;
  };
  const bare = () => handler(request);
  const scoped = () => {
    const outside = tied.enter(request);
    try {
      return handler(request);
    } finally {
      tied.leave(outside);
    }
  };
  const rounds = [];
  timeNs(bare);
  timeNs(scoped);
  for (let round = 0; round < Number(Deno.args[0]); round++) {
    rounds.push({ bare: timeNs(bare), scoped: timeNs(scoped) });
    await null;
  }
  console.log(JSON.stringify(rounds));
`;

export function benchCallConsole(rounds: number): Row[] {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  try {
    const program = join(folder, "program.mjs");
    const { outputFiles } = buildSync({
      stdin: { contents: PROGRAM, loader: "ts", resolveDir: folder },
      ...{ bundle: true, format: "esm", write: false },
    });
    writeFileSync(program, outputFiles![0]!.contents);
    const text = execFileSync(denoPath(), ["run", "--no-config", program, String(rounds)], {
      encoding: "utf8",
    });
    const measured = JSON.parse(text) as { bare: number; scoped: number }[];
    const costs = measured.map(({ bare, scoped }) => scoped - bare);
    const range = `${Math.min(...costs).toFixed(0)}–${Math.max(...costs).toFixed(0)}`;
    return [{ what: "tying console to a call", figure: `${median(costs).toFixed(0)} ns (${range})` }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  printTable("What a call costs that prints nothing", benchCallConsole(Number(process.argv[2] ?? 9)));
}
