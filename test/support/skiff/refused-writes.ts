/**
 * Loaded before a program: as long as the file REFUSED_WRITES is there, Node's writes to the folder that it is in fail as
 * on a full disk. For systems that let no test mount a small one. It reaches neither the database nor other programs.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, sep } from "node:path";

const mark = process.env.REFUSED_WRITES!;
const below = dirname(mark) + sep;

/** The names of functions that write, and which of their arguments is the path. */
const WRITES = { writeFile: 0, writeFileSync: 0, mkdir: 0, mkdirSync: 0, copyFile: 1, copyFileSync: 1 };

type Writer = (...args: unknown[]) => unknown;

for (const module of [fs, fs.promises] as unknown as Record<string, Writer>[]) {
  for (const [name, at] of Object.entries(WRITES)) {
    const write = module[name];
    if (write === undefined) continue;
    module[name] = (...args) => {
      if (!String(args[at]).startsWith(below) || !fs.existsSync(mark)) return write.apply(module, args);
      const error = new Error(`ENOSPC: no space left on device, ${name} '${args[at]}'`);
      throw Object.assign(error, { code: "ENOSPC", errno: -28, syscall: name, path: args[at] });
    };
  }
}
syncBuiltinESMExports();
