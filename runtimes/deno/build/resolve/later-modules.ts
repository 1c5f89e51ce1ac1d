const CODE = /\.([cm]?[jt]s|[jt]sx)$/;
const TEST = /(^|\/)(tests?|__tests__)\/|[._](test|spec|bench)\.[^/]+$/;
/** A worker, or an import with a computed path: which module it loads shows only when it runs. */
const LOADS_LATER = /\bWorker\s*\(|\bimport\s*\(\s*[^"'\s)]|\bcreateRequire\b|\brequire\s*\(/;

/**
 * Returns the posted modules that the main module may load without an import that Deno sees: workers, and computed imports
 * and requires. Empty if no posted file does that.
 */
export function laterModules(files: ReadonlyMap<string, Uint8Array>): string[] {
  const own = [...files.keys()].filter((path) => CODE.test(path) && !/(^|\/)node_modules\//.test(path));
  const loads = own.some((path) => LOADS_LATER.test(new TextDecoder().decode(files.get(path)!)));
  return loads ? own.filter((path) => !TEST.test(path) && !path.endsWith(".d.ts")) : [];
}
