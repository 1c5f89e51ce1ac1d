import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Problem } from "../../../../platform/problems.ts";
import { chooseCommand, type ProgramChoice } from "../../../../runtimes/program/build/choose-command.ts";
import { chooseStart } from "../../../../runtimes/program/build/declared-start.ts";
import { readBinary } from "../../../../runtimes/program/build/elf.ts";
import { needsLinux } from "../../../support/not-tried.ts";

const SHELL = "#!/bin/sh\ncat\n";

interface Chosen {
  readonly command?: readonly string[];
  /** Files that the archive marks as executable. */
  readonly marked?: readonly string[];
}

function choose(
  files: Record<string, string | Uint8Array>,
  { command, marked = [] }: Chosen = {},
): ProgramChoice {
  const contents = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
  const set = new Set(marked.map((path) => contents.get(path)!));
  return chooseCommand({ files: contents, marked: set, arch: "x64" }, command ? { command } : {});
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return `${error.code}: ${error.detail}`;
  }
  throw new Error("nothing was refused");
}

const needsOf = ({ needs }: ProgramChoice) => needs.map(({ kind, name }) => `${kind} ${name}`);

describe("the command of a program", () => {
  it("is the posted file, by its first line", () => {
    const shell = choose({ main: SHELL });
    assert.deepEqual(shell.command, ["./main"]);
    assert.deepEqual(shell.executables, ["main"]);
    assert.deepEqual(needsOf(shell), ["file /bin/sh"]);
    const lines: Record<string, string[]> = {
      "#!/usr/bin/env python3": ["file /usr/bin/env", "program python3"],
      "#! /usr/bin/env  -S A=1 ruby -w": ["file /usr/bin/env", "program ruby"],
      "#!/usr/bin/env -S deno run --allow-net": ["file /usr/bin/env", "program deno"],
      "#!/usr/bin/perl -w": ["file /usr/bin/perl"],
    };
    for (const [line, needs] of Object.entries(lines)) {
      assert.deepEqual(needsOf(choose({ main: `${line}\n` })), needs, line);
    }
  });

  it("says why Linux cannot run a first line", () => {
    const lines: Record<string, RegExp> = {
      "#!/bin/sh\r\n": /^invalid_source: .*main.*CR LF.*dos2unix/,
      "#!python3\n": /names no interpreter by its path/,
      "#!/usr/bin/env\n": /names no program/,
      "#!/usr/bin/env python3 -u\n": /several words.*env -S/,
      [`#!/${"x".repeat(300)}\n`]: /longer than 255 bytes/,
    };
    for (const [text, expected] of Object.entries(lines)) {
      assert.match(
        refusal(() => choose({ main: text })),
        expected,
        text,
      );
    }
  });

  it("asks what runs a file that Linux cannot run", () => {
    const text = refusal(() => choose({ main: "print(1)\n" }));
    assert.match(
      text,
      /^invalid_source: main has neither .*#!.* nor an ELF header.*command=python3 \.\/main/,
    );
    assert.match(
      refusal(() => choose({ main: Buffer.from([0xcf, 0xfa, 0xed, 0xfe]) })),
      /macOS/,
    );
  });

  it("is the one of the settings, which may be a file of the source", () => {
    const python = choose({ main: "print(1)\n" }, { command: ["python3", "./main", "a b"] });
    assert.deepEqual(python.command, ["python3", "./main", "a b"]);
    assert.deepEqual(needsOf(python), ["program python3"]);
    const own = choose({ "bin/run": SHELL, data: "1" }, { command: ["bin/run", "x"] });
    assert.deepEqual(own.command, ["./bin/run", "x"]);
    assert.deepEqual(own.executables, ["bin/run"]);
    const text = refusal(() => choose({ "run.sh": SHELL }, { command: ["./run"] }));
    assert.match(text, /^invalid_setting: command: "\.\/run" is not a file of the source, which has run\.sh/);
    assert.match(
      refusal(() => choose({ main: SHELL }, { command: ["./../../bin/sh"] })),
      /^invalid_setting/,
    );
  });

  it("is main of an archive, or its one main.* that can be run", () => {
    assert.deepEqual(choose({ main: SHELL, "main.py": "" }).command, ["./main"]);
    assert.deepEqual(choose({ "main.py": "#!/usr/bin/env python3\n", "main.txt": "" }).command, [
      "./main.py",
    ]);
    assert.match(
      refusal(() => choose({ "main.sh": SHELL, "main.py": SHELL })),
      /main\.sh and main\.py/,
    );
    assert.match(
      refusal(() => choose({ "app.py": "" })),
      /There is no file main.*command=/,
    );
    assert.match(
      refusal(() => choose({ "main.py": "" })),
      /^invalid_source: .*main\.py has neither/,
    );
  });

  it("makes files executable by their mark, first line or header, unless too many are marked", () => {
    const files = { main: SHELL, "lib/tool": "x", "lib/data": "y" };
    assert.deepEqual(choose(files, { marked: ["lib/tool"] }).executables, ["main", "lib/tool"]);
    const many = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, n) => [`data/${n}-long-file-name`, "x"]),
    );
    const all = choose({ ...many, main: SHELL }, { marked: Object.keys(many) });
    assert.deepEqual(all.executables, ["main"]);
  });
});

describe("a program in ELF", () => {
  const node = readFileSync(process.execPath);

  it("names what loads it and its libraries", function () {
    needsLinux(this, "programs in ELF");
    const { loader, libraries } = readBinary("main", node, process.arch);
    assert.match(loader ?? "", /ld-/);
    assert.ok(
      libraries.some((name) => /^libc\./.test(name)),
      String(libraries),
    );
  });

  it("is refused if it is for another machine, cut off or no program", () => {
    const other = process.arch === "x64" ? "arm64" : "x64";
    assert.match(
      refusal(() => readBinary("main", node, other)),
      new RegExp(`for ${process.arch}, and functions run on ${other}`),
    );
    assert.match(
      refusal(() => readBinary("main", node.subarray(0, 100), process.arch)),
      /cut off or damaged/,
    );
    const object = Buffer.from(node.subarray(0, 4_096));
    object.writeUInt16LE(1, 16);
    assert.match(
      refusal(() => readBinary("main", object, process.arch)),
      /no program/,
    );
  });
});

describe("what runs a source", () => {
  it("is the order, then skiff.yaml, then the settings before", () => {
    const formerStart = { runtime: "program", program: { command: ["old"] } } as const;
    assert.deepEqual(chooseStart({}), { runtime: "deno" });
    assert.deepEqual(chooseStart({ formerStart }), { runtime: "program", command: ["old"] });
    assert.deepEqual(chooseStart({ formerStart }, { command: "python3 'a b'" }), {
      runtime: "program",
      command: ["python3", "a b"],
    });
    const yaml = { runtime: "program", program: { command: ["yaml"], handler: "a.b" } };
    assert.deepEqual(chooseStart({ start: { command: ["asked"] } }, yaml), {
      runtime: "program",
      command: ["asked"],
      handler: "a.b",
    });
    assert.deepEqual(chooseStart({ start: { command: null }, formerStart }, yaml), {
      runtime: "program",
      handler: "a.b",
    });
    assert.deepEqual(chooseStart({ formerStart }, { program: null }), { runtime: "program" });
  });

  it("begins anew with another runtime", () => {
    const formerStart = { runtime: "image", program: { command: ["old"] } } as const;
    assert.deepEqual(chooseStart({ start: { runtime: "program" }, formerStart }), { runtime: "program" });
  });

  it("says which value of skiff.yaml cannot be read", () => {
    assert.match(
      refusal(() => chooseStart({}, { runtime: "ruby" })),
      /^invalid_setting: skiff\.yaml: runtime: "ruby" .*deno, program, image/,
    );
    assert.match(
      refusal(() => chooseStart({}, { runtime: "program", command: "a 'b" })),
      /^invalid_setting: skiff\.yaml: command/,
    );
    assert.match(
      refusal(() => chooseStart({}, { command: 3 })),
      /command: 3/,
    );
  });
});
