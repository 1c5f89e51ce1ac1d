import { Problem } from "../../../platform/problems.ts";
import { foreignSystem, isBinary, readBinary } from "./elf.ts";
import { type FirstLine, isScript, readFirstLine } from "./first-line.ts";

/** What has to be installed where a program runs. */
export interface Need {
  readonly kind: "program" | "file" | "library";
  /** A name that is looked up in the folders for programs, a path, or the name of a library. */
  readonly name: string;
  /** What needs it, for messages. */
  readonly by: string;
}

/** Whether a file can be executed as it is. */
export function isExecutableContent(bytes: Uint8Array): boolean {
  return isScript(bytes) || isBinary(bytes);
}

/**
 * Returns what the execution of a file needs.
 * @throws Problem `invalid_source` if Linux cannot execute it
 */
export function needsOfFile(path: string, bytes: Uint8Array, arch: string): readonly Need[] {
  if (isScript(bytes)) return needsOfScript(path, readFirstLine(path, bytes));
  if (isBinary(bytes)) {
    const { loader, libraries } = readBinary(path, bytes, arch);
    return [
      ...(loader === undefined ? [] : [{ kind: "file", name: loader, by: path } as const]),
      ...libraries.map((name) => ({ kind: "library", name, by: path }) as const),
    ];
  }
  const system = foreignSystem(bytes);
  const why =
    system === undefined
      ? `has neither a first line with #! nor an ELF header, so Linux cannot run it: add a first line such as #!/usr/bin/env python3, or say what runs it, for example command=python3 ./${path}.`
      : `is a program for ${system}: build it for Linux on ${arch}.`;
  throw new Problem("invalid_source", `${path} ${why}`);
}

function needsOfScript(path: string, { interpreter, program }: FirstLine): readonly Need[] {
  const file = { kind: "file", name: interpreter, by: path } as const;
  return program === undefined ? [file] : [file, needOfCommand(program, path)];
}

/** @param program a path, or a name to look up */
export function needOfCommand(program: string, by: string): Need {
  return { kind: program.includes("/") ? "file" : "program", name: program, by };
}
