#!/usr/bin/env node
/**
 * The command `skiff`. Any Node runs this file, which is plain JavaScript for that reason. An older Node than the
 * bundled one only starts the bundled one with the same arguments.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const LEAST_NODE = 24;
const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** A checkout has TypeScript; the npm package has what is made of it. */
const isCheckout = existsSync(join(ROOT, "cli/main.ts"));
const place = (module) => join(ROOT, isCheckout ? `${module}.ts` : `dist/${module}.js`);

/** Path of the Node that npm installed with Skiff. */
function bundledNode() {
  try {
    const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node");
    if (existsSync(node)) return node;
  } catch {
    // Reported below.
  }
  console.error(
    `error: Skiff needs Node ${LEAST_NODE}, and this is ${process.version}: the package "node", which brings it, is not installed. Run npm ci, or install Node ${LEAST_NODE}.`,
  );
  process.exit(1);
}

function runUnderBundledNode() {
  const child = spawn(bundledNode(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
    // A serving Skiff ends with this process, and takes a signal of a terminal that arrives twice for one.
    env: { ...process.env, skiff_launcher: String(process.pid) },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`error: Node does not start: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

async function run() {
  const { runCommand } = await import(place("cli/main"));
  process.exitCode = await runCommand(process.argv.slice(2), {
    command: fileURLToPath(import.meta.url),
    program: place("skiff"),
    serve: async (args) => (await import(place("skiff"))).main(args),
  });
}

if (Number.parseInt(process.versions.node, 10) >= LEAST_NODE) await run();
else runUnderBundledNode();
