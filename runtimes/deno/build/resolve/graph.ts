import { pathToFileURL } from "node:url";
import type { SourceError } from "../../../../platform/problems.ts";
import { buildFailed } from "../worker/diagnostics.ts";
import { explain, MACHINE_FILE } from "./explain.ts";
import { pathInProject, placeIn, type ResolvedProject } from "./project-place.ts";

/** The used part of the output of `deno info --json`. */
export interface Graph {
  readonly roots: readonly string[];
  readonly modules: readonly GraphModule[];
  readonly redirects?: Readonly<Record<string, string>>;
}

interface GraphModule {
  readonly specifier: string;
  /** Path of the file that it is read from. */
  readonly local?: string | null;
  /** Why it could not be loaded. */
  readonly error?: string;
  readonly dependencies?: readonly Dependency[];
}

interface Dependency {
  /** As written. */
  readonly specifier: string;
  readonly isDynamic?: boolean;
  /** Absent for what matters to types alone. */
  readonly code?: Target;
}

interface Target {
  /** The module that is meant, unless there is an error. */
  readonly specifier?: string;
  readonly error?: string;
  readonly span?: { readonly start: { readonly line: number; readonly character: number } };
}

/** Errors that are explained; the others are counted. */
const MOST_ERRORS = 20;

/** An import in one of the modules. */
interface Import extends Dependency {
  readonly importer: string;
}

/**
 * Checks the modules that Deno loads when the function starts. It loads files among them without a permission, so none may
 * be outside of the project.
 * @throws Problem `build_failed` for a file outside of the project, and for what cannot be loaded: the installation accepts
 *   imports of parts of packages that are not there
 */
export function checkGraph(graph: Graph, project: ResolvedProject): void {
  const isForeign = (url: string) => pathInProject(url, project.root) === undefined;
  // Types and source maps are not loaded.
  const loaded = reachable(graph, importsOf(graph));
  const foreign = graph.modules.find(
    ({ specifier, local }) =>
      loaded.has(specifier) &&
      ((/^file:/i.test(specifier) && isForeign(specifier)) ||
        (local && isForeign(pathToFileURL(local).href))),
  );
  if (foreign) {
    const place = placeOfModule(graph, foreign.specifier, project);
    throw buildFailed([{ ...place, message: MACHINE_FILE }]);
  }
  const failed = new Map(graph.modules.map(({ specifier, error }) => [specifier, error]));
  const broken = loadedImports(graph).flatMap((each) => {
    const error = each.code?.error ?? failed.get(each.code?.specifier ?? "");
    return error === undefined ? [] : [{ each, error }];
  });
  if (broken.length === 0) return;
  const errors = broken.slice(0, MOST_ERRORS).map(({ each, error }) => ({
    ...placeOfImport(graph, each, project),
    message: explainImport(each, error, project),
  }));
  throw buildFailed(errors, broken.length);
}

/** The place in a posted file of the import that leads to a module, maybe through modules from elsewhere. */
export function placeOfModule(
  graph: Graph,
  specifier: string,
  project: ResolvedProject,
): Omit<SourceError, "message"> {
  const found = importsOf(graph).find(({ code }) => code?.specifier === specifier);
  return found ? placeOfImport(graph, found, project) : placeIn(project, "", { line: 1, column: 1 });
}

function placeOfImport(graph: Graph, { importer, code }: Import, project: ResolvedProject) {
  const all = importsOf(graph);
  const seen = new Set<string>();
  let [at, target] = [importer, code];
  while (pathInProject(at, project.root) === undefined && !seen.has(at)) {
    seen.add(at);
    const above = all.find((each) => each.code?.specifier === at && !seen.has(each.importer));
    if (above) [at, target] = [above.importer, above.code];
  }
  const { line, character } = target?.span?.start ?? { line: 0, character: 0 };
  return placeIn(project, at, { line: line + 1, column: character + 1 });
}

/** Lists all imports with redirects applied. */
function importsOf({ modules, redirects = {} }: Graph): Import[] {
  return modules.flatMap(({ specifier: importer, dependencies = [] }) =>
    dependencies.map((each): Import => {
      const target = each.code?.specifier;
      if (target === undefined || redirects[target] === undefined) return { ...each, importer };
      return { ...each, importer, code: { ...each.code, specifier: redirects[target] } };
    }),
  );
}

/** The imports of modules that run before a function takes calls: not those of dynamic imports. */
function loadedImports(graph: Graph): Import[] {
  const imports = importsOf(graph).filter(({ isDynamic }) => !isDynamic);
  const loaded = reachable(graph, imports);
  return imports.filter(({ importer }) => loaded.has(importer));
}

/** The specifiers of the modules that the main module leads to by these imports. */
function reachable({ roots }: Graph, imports: readonly Import[]): ReadonlySet<string> {
  const byImporter = Map.groupBy(imports, ({ importer }) => importer);
  const found = new Set<string>();
  const waiting = [...roots];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    for (const { code } of byImporter.get(next) ?? []) {
      if (code?.specifier !== undefined) waiting.push(code.specifier);
    }
  }
  return found;
}

function explainImport({ specifier }: Import, error: string, project: ResolvedProject): string {
  if (/^\[ERR_(MODULE_NOT_FOUND|PACKAGE_PATH_NOT_EXPORTED)\]/.test(error))
    return `"${specifier}": the package has no such file or export`;
  return error.startsWith("[") ? `"${specifier}" cannot be loaded` : explain(error, project);
}
