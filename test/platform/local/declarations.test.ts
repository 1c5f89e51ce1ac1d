import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { LocalDeclarations } from "../../../platform/local/declarations.ts";
import { Store } from "../../../platform/local/store/store.ts";
import { eventually } from "../../support/eventually.ts";
import {
  TemporaryLocalPlatform,
  type TemporaryOptions,
} from "../../support/platform/temporary-local-platform.ts";
import { declarationsConformance, KINDS, type OpenDeclarations } from "../conformance/declarations.ts";

async function open(options: TemporaryOptions = {}): Promise<OpenDeclarations & { dataFolder: string }> {
  const local = await TemporaryLocalPlatform.open({ ...options, kinds: KINDS });
  const { dataFolder } = local;
  const { declarations } = local.platform;
  return { declarations, dataFolder, printed: () => local.log, close: () => local.close() };
}

describe("declarations of one machine", () => {
  const folders: string[] = [];
  const newFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), "skiff-test-declarations-"));
    folders.push(folder);
    return folder;
  };
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  declarationsConformance("the local platform", {
    isDurable: true,
    open: () => open({ dataFolder: newFolder() }),
    beside: async ({ declarations }) => declarations,
    reopen: (opened) => open({ dataFolder: (opened as Awaited<ReturnType<typeof open>>).dataFolder }),
  });

  it("are on the disk once they are acknowledged, in a data folder that nobody closed", async () => {
    const [dataFolder, copy] = [newFolder(), newFolder()];
    const running = await open({ dataFolder });
    await running.declarations.put("Note", "gone", { spec: { n: 1 } });
    await running.declarations.remove("Note", "gone");
    const kept = await running.declarations.put("Note", "kept", { spec: { n: 2 } });
    for (const file of ["skiff.db", "skiff.db-wal"]) cpSync(join(dataFolder, file), join(copy, file));
    await running.close();
    const crashed = await open({ dataFolder: copy });
    assert.deepEqual(await crashed.declarations.list("Note", { limit: 10 }), [kept]);
    await crashed.close();
  });

  it("say so when they cannot be watched", async () => {
    const store = await Store.open(join(newFolder(), "skiff.db"));
    await store.close();
    const lines: string[] = [];
    const declarations = new LocalDeclarations({
      store,
      kinds: KINDS,
      limits: limitsFromEnv({}),
      closing: new AbortController().signal,
      print: (line) => lines.push(line),
    });
    declarations.watch("Note", () => assert.fail("called"));
    await eventually("it is logged", () => lines.length > 0);
    assert.deepEqual(lines, ["declarations cannot be watched: the store is closed"]);
  });
});
