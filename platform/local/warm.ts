import type { Builder } from "../../runtimes/runtime.ts";
import type { LocalPlatform } from "./local-platform.ts";

/** Prepares the first build and the first instance. */
export function warm(
  { platform, builder }: { platform: LocalPlatform; builder: Builder },
  print: (line: string) => void,
): void {
  builder.warm().catch((error: Error) => print(`Builds do not work: ${error.message}`));
  platform.describeNetwork().then(
    (network) => print(`  network of functions: ${network}`),
    (error: Error) => print(`  network of functions: ${error.message}`),
  );
  platform
    .warm()
    .catch((error: Error) => print(`Starts are slower than they could be: ${error.message}`))
    // Last, because most functions are no programs.
    .then(() => platform.describePrograms())
    .then(
      ({ files }) => print(`  sandbox of programs: ${files}`),
      (error: Error) => print(`  sandbox of programs: ${error.message}`),
    );
}

/** Returns what isolates functions and programs here. */
export function localWalls(platform: LocalPlatform) {
  return {
    isolation: async () => {
      const [{ description: files }, network] = await Promise.all([
        platform.isolation(),
        platform.describeNetwork(),
      ]);
      return { files, network };
    },
    programs: () => platform.describePrograms(),
  };
}
