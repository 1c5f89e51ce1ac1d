/** Loaded before a program: SIGUSR2 prints the packages and the parts of Node that it has loaded, one a line. */
import { registerHooks } from "node:module";

const PACKAGE = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/;
const packages = new Set<string>();

registerHooks({
  load(url, context, nextLoad) {
    const name = PACKAGE.exec(url)?.[1];
    if (name !== undefined) packages.add(name);
    return nextLoad(url, context);
  },
});

process.on("SIGUSR2", () => {
  const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] };
  const own = moduleLoadList.filter((name) => name.startsWith("NativeModule "));
  const lines = [...[...packages].map((name) => `loaded ${name}`), ...own.map((name) => `loaded ${name}`)];
  console.log([...lines, "loaded nothing else"].join("\n"));
});
