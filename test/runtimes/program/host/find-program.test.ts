import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../../../runtimes/program/host/calls/find-program.ts";

describe("the program of a command", () => {
  let cwd: string;

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), "skiff-find-"));
  });

  afterEach(() => rmSync(cwd, { recursive: true }));

  const check = (line: string) => {
    writeFileSync(join(cwd, "main"), `${line}\nrest\n`, { mode: 0o755 });
    findProgram({ command: ["./main"], cwd }, { PATH: "/usr/bin:/bin" });
  };

  it("is found by its path or in PATH", () => {
    findProgram({ command: ["sh"], cwd }, { PATH: "/usr/bin:/bin" });
    check("echo without a first line");
    const find = (program: string) => () => findProgram({ command: [program], cwd }, { PATH: "/bin" });
    assert.throws(find("no-such-program"), /"no-such-program" is in no folder of PATH \(\/bin\)/);
    assert.throws(find("./absent"), /\.\/absent cannot be found \(ENOENT\)/);
    assert.throws(find("/"), /is not a file/);
  });

  it("needs an interpreter that is here, also behind env", () => {
    for (const line of ["#!/bin/sh", "#! /bin/sh -e", "#!/usr/bin/env sh", "#!/usr/bin/env -S sh -e"])
      check(line);
    assert.throws(
      () => check("#!/usr/bin/perl6"),
      /\.\/main has an interpreter that does not run here.*perl6 cannot/,
    );
    assert.throws(() => check("#!/usr/bin/env perl6"), /"perl6" is in no folder of PATH/);
    assert.throws(() => check("#!/bin/sh\r"), /does not run here/);
  });
});
