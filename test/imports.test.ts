import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What is not written here, or may name anything. */
const NOT_CHECKED = /^(\.|node_modules$|data$|test$|bench$)/;
const COMPOSITION_ROOTS = ["skiff.ts", "manager/main.ts", "router/main.ts"];

/** What a file imports: paths from the root for our own files, package names for others. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const specifiers = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:(?:import|export)\b[^;]*?\bfrom|import)\s+"([^"]+)"|\bimport\("([^"]+)"\)/g,
    ),
  ];
  return specifiers.map(([, fixed, dynamic]) => {
    const specifier = fixed ?? dynamic ?? "";
    return specifier.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier;
  });
}

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith(".ts"));
}

/** Every file of ours but tests and benchmarks, also of folders that are not there yet. */
function allFiles(): string[] {
  const top = readdirSync(ROOT, { withFileTypes: true }).filter(({ name }) => !NOT_CHECKED.test(name));
  return top.flatMap((entry) =>
    entry.isDirectory() ? filesIn(entry.name) : entry.name.endsWith(".ts") ? [entry.name] : [],
  );
}

/** Imports that break a rule, as `file -> import`. */
function violations(files: readonly string[], forbidden: (specifier: string) => boolean): string[] {
  return files
    .filter((file) => !COMPOSITION_ROOTS.includes(file))
    .flatMap((file) =>
      importsOf(file)
        .filter(forbidden)
        .map((specifier) => `${file} -> ${specifier}`),
    );
}

const isImplementation = (specifier: string) => /^platform\/(local|kubernetes)\//.test(specifier);

describe("imports", () => {
  it("are found at all", () => {
    assert.ok(importsOf("skiff.ts").includes("platform/local/local-platform.ts"));
    assert.ok(importsOf("manager/manager.ts").includes("koa"));
  });

  it("never lead from the router to the manager", () => {
    assert.deepEqual(
      violations(filesIn("router"), (specifier) => specifier.startsWith("manager/")),
      [],
    );
  });

  it("never lead from the manager to the router", () => {
    assert.deepEqual(
      violations(filesIn("manager"), (specifier) => specifier.startsWith("router/")),
      [],
    );
  });

  it("never lead from what the servers share to manager, router or platform", () => {
    const rooms = (specifier: string) => /^(manager|router|platform)\//.test(specifier);
    assert.deepEqual(violations(filesIn("http"), rooms), []);
  });

  it("name an implementation of the platform only in composition roots", () => {
    const files = allFiles();
    for (const file of ["skiff.ts", "client-image/runtime.ts", "examples/http.ts", "manager/manager.ts"]) {
      assert.ok(files.includes(file), file);
    }
    const others = files.filter((file) => !isImplementation(file));
    assert.deepEqual(violations(others, isImplementation), []);
  });

  it("never lead from the platform to manager, router or an HTTP server", () => {
    const forbidden = (specifier: string) =>
      /^(manager|router)\/|^(koa|@koa\/router|http-proxy-3)$/.test(specifier);
    assert.deepEqual(violations(filesIn("platform"), forbidden), []);
  });

  it("never lead from one implementation of the platform to another", () => {
    const local = filesIn("platform/local");
    assert.deepEqual(
      violations(local, (specifier) => specifier.startsWith("platform/kubernetes/")),
      [],
    );
  });

  it("never lead from the program in an instance to anything outside of it", () => {
    const outside = (specifier: string) => !specifier.startsWith("client-image/");
    assert.deepEqual(violations(filesIn("client-image"), outside), []);
  });
});
