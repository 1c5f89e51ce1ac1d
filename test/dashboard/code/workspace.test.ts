import { deepEqual, equal, match } from "node:assert/strict";
import { mainFile, postedFiles } from "../../../dashboard/web/code/source.ts";
import {
  changedPaths,
  isChanged,
  openWorkspace,
  pathFault,
  renamed,
  withFile,
  withoutFile,
} from "../../../dashboard/web/code/workspace.ts";
import { freeName, nameFault } from "../../../dashboard/web/new/name.ts";

const text = (content: string) => ({ text: content });

describe("Files of a function in the dashboard", () => {
  const base = openWorkspace({ version: 3, files: { "main.ts": text("1"), "page.ts": text("2") } });

  it("know what was changed, added and removed", () => {
    equal(isChanged(base), false);
    equal(isChanged(withFile(base, "main.ts", text("1"))), false);
    const edited = withoutFile(withFile(withFile(base, "main.ts", text("x")), "new.ts", text("")), "page.ts");
    deepEqual(changedPaths(edited), ["main.ts", "new.ts", "page.ts"]);
    const moved = renamed({ ...base, entry: "main.ts" }, "main.ts", "src/main.ts");
    deepEqual([moved.entry, Object.keys(moved.files)], ["src/main.ts", ["page.ts", "src/main.ts"]]);
  });

  it("refuse paths that a source cannot have", () => {
    equal(pathFault("lib/page.ts", base.files), undefined);
    match(pathFault("page.ts", base.files)!, /There is a file/);
    match(pathFault("../x.ts", base.files)!, /inside of the source/);
    match(pathFault("main.ts/x.ts", base.files)!, /A file has the path/);
  });

  it("are posted as a plain source only where their name does not matter", () => {
    deepEqual(postedFiles({ "main.ts": text("1") }, undefined), { files: { "main.ts": "1" } });
    deepEqual(postedFiles({ "app.ts": text("1") }, undefined), { files: { "app.ts": "1" }, entry: "app.ts" });
    deepEqual(postedFiles({ "a.ts": text("1"), "b.ts": text("2") }, "gone.ts").entry, "");
    equal(mainFile({ files: { "a.json": text(""), "src/index.ts": text("") } }), "src/index.ts");
  });

  it("give a new function a name that is free and valid", () => {
    equal(freeName("Résumé of 2024.tsx", new Set()), "r-sum-of-2024");
    equal(freeName("cards.ts", new Set(["cards", "cards-2"])), "cards-3");
    equal(freeName("???", new Set()), "function");
    for (const name of ["", "9x", "x-", "a_b", "x".repeat(53)]) match(nameFault(name, new Set()) ?? "", /\./);
    match(nameFault("My Function!", new Set())!, /lower-case .* not “M”/);
    match(nameFault("my function!", new Set())!, /not spaces/);
    equal(nameFault("a-1", new Set()), undefined);
  });
});
