import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Folders that hold no source of ours. */
const NOT_OURS = /^(\.|node_modules$|data$|dist$)/;
/** Programs: they alone name implementations and bring rooms together. */
const COMPOSITION_ROOTS = [
  "skiff.ts",
  "one-machine.ts",
  "manager/main.ts",
  "router/main.ts",
  "events/main.ts",
  "dashboard/main.ts",
];
/** Most files in a room; one that needs more has rooms inside. */
const MOST_FILES = 16;

/**
 * For each room, the rooms that it may import besides its own and those inside it. The longest prefix of a file's
 * path names its room. `test/`, `bench/` and composition roots may import everything.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  process: [],
  metrics: [],
  "client-image": [],
  platform: ["platform/flows", "client-image", "process"],
  "platform/local": ["platform", "platform/flows", "client-image", "process", "runtimes"],
  "platform/kubernetes": ["platform", "platform/flows", "client-image", "process", "runtimes"],
  runtimes: ["platform", "client-image", "process"],
  http: ["platform", "process"],
  store: ["platform", "platform/flows", "process"],
  "store/sqlite": ["store", "platform", "platform/flows", "process"],
  "store/postgres": ["store", "platform", "platform/flows", "process"],
  "store/segments": ["store", "platform", "process"],
  calling: ["platform", "platform/flows", "process", "metrics", "http", "store"],
  events: ["platform", "platform/flows", "process", "metrics", "http", "store", "calling"],
  "platform/flows": ["platform", "process"],
  flows: ["platform", "platform/flows", "process", "metrics", "http", "store", "calling"],
  cli: ["process", "platform/flows"],
  dashboard: ["platform", "process", "http"],
  "dashboard/build": [],
  "dashboard/web": ["platform/flows"],
  packing: ["dashboard/build"],
  manager: ["platform", "platform/flows", "process", "metrics", "http", "runtimes", "store"],
  router: ["platform", "process", "metrics", "http", "client-image"],
  examples: [],
};
/** What a room must not get through another one's name: implementations of the platform are for composition roots. */
const IMPLEMENTATION = /^(platform\/(local|kubernetes)|store\/(sqlite|postgres|segments))\//;
/** Packages that serve or forward HTTP, which the platform knows nothing of. */
const HTTP_PACKAGE = /^(koa|@koa\/router|http-proxy-3)$/;

/** What a file imports, types included: paths from the root for our own files, package names for others. */
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

function allFiles(): string[] {
  const top = readdirSync(ROOT, { withFileTypes: true }).filter(({ name }) => !NOT_OURS.test(name));
  return top.flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(ROOT, entry.name), { recursive: true, encoding: "utf8" }).map((file) =>
          join(entry.name, file),
        )
      : [entry.name],
  );
}

const FILES = allFiles().filter((file) => /\.tsx?$/.test(file));
const CHECKED = FILES.filter((file) => !/^(test|bench)\//.test(file) && !COMPOSITION_ROOTS.includes(file));

/** The entry of `MAY_IMPORT` that a path belongs to; undefined for packages and files of the root. */
function roomOf(path: string): string | undefined {
  const rooms = Object.keys(MAY_IMPORT).filter((room) => path.startsWith(`${room}/`));
  return rooms.sort((a, b) => b.length - a.length)[0];
}

/** Imports that break a rule, as `file -> import`. */
function violations(forbidden: (file: string, specifier: string) => boolean): string[] {
  return CHECKED.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => forbidden(file, specifier))
      .map((specifier) => `${file} -> ${specifier}`),
  );
}

/** Circles of imports, as `a -> b -> a`. */
function cycles(): string[] {
  const found: string[] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || finished.has(file)) return;
    path.push(file);
    for (const specifier of importsOf(file)) if (FILES.includes(specifier)) visit(specifier);
    path.pop();
    finished.add(file);
  };
  FILES.forEach(visit);
  return found;
}

describe("imports", () => {
  it("are found at all", () => {
    assert.ok(importsOf("one-machine.ts").includes("platform/local/local-platform.ts"));
    assert.ok(importsOf("manager/app.ts").includes("koa"));
    for (const file of ["client-image/runtime.ts", "examples/http.ts", "manager/manager.ts"]) {
      assert.ok(CHECKED.includes(file), file);
    }
  });

  it("come from files that belong to a room", () => {
    assert.deepEqual(
      CHECKED.filter((file) => roomOf(file) === undefined),
      [],
    );
  });

  it("go one way between rooms", () => {
    const forbidden = (file: string, specifier: string) => {
      const [from, to] = [roomOf(file)!, roomOf(specifier)];
      return to !== undefined && to !== from && !MAY_IMPORT[from]!.includes(to);
    };
    assert.deepEqual(violations(forbidden), []);
  });

  it("name an implementation of the platform only in composition roots", () => {
    const forbidden = (file: string, specifier: string) =>
      IMPLEMENTATION.test(specifier) && roomOf(file) !== roomOf(specifier);
    assert.deepEqual(violations(forbidden), []);
  });

  it("never lead from the platform to a package that serves HTTP", () => {
    assert.deepEqual(
      violations((file, specifier) => file.startsWith("platform/") && HTTP_PACKAGE.test(specifier)),
      [],
    );
  });

  it("of the programs on Kubernetes lead to folders that are in their image", () => {
    const reached = new Set([
      "manager/main.ts",
      "router/main.ts",
      "router/workers/worker.ts",
      "events/main.ts",
      "dashboard/main.ts",
    ]);
    // A set visits what is added to it meanwhile.
    for (const file of reached)
      for (const each of importsOf(file)) if (FILES.includes(each)) reached.add(each);
    const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
    const copied = [...dockerfile.matchAll(/^COPY (?:\S+\/\*\.ts )?([\w-]+)(?: \1|\/)$/gm)].map(
      ([, folder]) => folder!,
    );
    const folders = new Set([...reached].map((file) => file.split("/")[0]!));
    assert.deepEqual([...folders].sort(), copied.sort());
  });

  it("make no circle, types included", () => assert.deepEqual(cycles(), []));
});

describe("a room", () => {
  it(`has at most ${MOST_FILES} files`, () => {
    const counts = new Map<string, number>();
    for (const file of allFiles().filter((each) => /\.\w+$/.test(each))) {
      const room = dirname(file);
      counts.set(room, (counts.get(room) ?? 0) + 1);
    }
    counts.delete(".");
    counts.delete("bench/results");
    // A manual has one page for each topic, and README lists them.
    counts.delete("docs");
    assert.deepEqual(
      [...counts].filter(([, count]) => count > MOST_FILES),
      [],
    );
  });
});
