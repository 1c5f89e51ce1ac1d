import { Problem } from "../../../platform/problems.ts";

/** What the `#!` line of a script names. */
export interface FirstLine {
  /** Absolute path. */
  readonly interpreter: string;
  /** What `env` looks up, if that is the interpreter. */
  readonly program?: string;
}

/** Linux reads no more of the line. */
const MOST_BYTES = 255;
const NEWLINE = 0x0a;

export function isScript(bytes: Uint8Array): boolean {
  return bytes[0] === 0x23 && bytes[1] === 0x21;
}

/**
 * Reads the `#!` line as Linux and `env` do.
 * @throws Problem `invalid_source` for a line that Linux cannot run
 */
export function readFirstLine(path: string, bytes: Uint8Array): FirstLine {
  const end = bytes.subarray(0, MOST_BYTES + 1).indexOf(NEWLINE);
  const line = new TextDecoder().decode(end < 0 ? bytes.subarray(2, MOST_BYTES + 1) : bytes.subarray(2, end));
  const refuse = (why: string) => {
    const shown = JSON.stringify(`#!${line.slice(0, 80)}`);
    return new Problem("invalid_source", `The first line of ${path} is ${shown}, which ${why}`);
  };
  if (end < 0 && bytes.length > MOST_BYTES) throw refuse(`is longer than ${MOST_BYTES} bytes: shorten it.`);
  if (line.endsWith("\r")) {
    throw refuse(
      "ends with CR LF, so Linux finds no such interpreter: convert the file to LF, for example with dos2unix.",
    );
  }
  const [, interpreter = "", argument = ""] = /^[ \t]*([^ \t]*)[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
  if (!interpreter.startsWith("/")) {
    throw refuse("names no interpreter by its path: write #!/bin/sh or #!/usr/bin/env NAME, for example.");
  }
  if (!/\/env$/.test(interpreter)) return { interpreter };
  return { interpreter, program: programOfEnv(argument, refuse) };
}

function programOfEnv(argument: string, refuse: (why: string) => Problem): string {
  if (argument === "") throw refuse("names no program: write #!/usr/bin/env python3, for example.");
  const split = /^-(?:S|-split-string[= ])\s*(.*)$/.exec(argument)?.[1];
  if (split === undefined && /[ \t]/.test(argument)) {
    throw refuse("has several words, which env takes for one: write #!/usr/bin/env -S before them.");
  }
  const words = (split ?? argument).split(/[ \t]+/);
  const program = words.find((word) => word !== "" && !word.startsWith("-") && !/^\w+=/.test(word));
  if (program === undefined) throw refuse("names no program: write #!/usr/bin/env python3, for example.");
  return program;
}
