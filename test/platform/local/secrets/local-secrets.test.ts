import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { instancesOf, publish, servingOf } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import {
  TemporaryLocalPlatform,
  type TemporaryOptions,
} from "../../../support/platform/temporary-local-platform.ts";
import { type OpenSecrets, secretsConformance } from "../../conformance/secrets.ts";

async function open(options: TemporaryOptions): Promise<OpenSecrets & { local: TemporaryLocalPlatform }> {
  const local = await TemporaryLocalPlatform.open(options);
  return { local, platform: local.platform, close: () => local.close() };
}

const SHOW = "export default () => Deno.env.get('TOKEN') ?? 'none';";
const asks = (version: number) => ({ secrets: { TOKEN: { secret: "token", version } } });

describe("secrets of one machine", () => {
  const folders: string[] = [];
  const newFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), "skiff-test-secrets-"));
    folders.push(folder);
    return folder;
  };
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  secretsConformance("the local platform", {
    isDurable: true,
    open: () => open({ dataFolder: newFolder() }),
    reopen: (opened) => open({ dataFolder: (opened as Awaited<ReturnType<typeof open>>).local.dataFolder }),
    // A put waits for the sweeps before it.
    swept: async ({ platform }) => void (await platform.secrets.put("later", { value: "v" })),
  });

  it("are on the disk once they are acknowledged, in a data folder that nobody closed", async () => {
    const [dataFolder, copy] = [newFolder(), newFolder()];
    const running = await open({ dataFolder });
    await running.platform.secrets.put("kept", { value: "v" });
    for (const file of ["skiff.db", "skiff.db-wal"]) cpSync(join(dataFolder, file), join(copy, file));
    await running.close();
    const crashed = await open({ dataFolder: copy });
    assert.deepEqual(await crashed.platform.secrets.resolve({ V: { secret: "kept", version: 1 } }), {
      V: "v",
    });
    await crashed.close();
  });

  it("are encrypted in the data folder, and removed ones leave nothing", async () => {
    const dataFolder = newFolder();
    const { local, platform, close } = await open({ dataFolder });
    await platform.secrets.put("token", { value: "FIND-ME-1" });
    const instance = await local.publish(draftOf("shows", SHOW, asks(1)));
    assert.equal((await call(instance.address)).text, "FIND-ME-1");
    const found = () =>
      readdirSync(dataFolder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .filter((file) => readFileSync(file).includes("FIND-ME"));
    assert.deepEqual(found(), []);
    await close();
    assert.deepEqual(found(), []);
  });

  it("reach instances that start again, and those of a version at its next start", async () => {
    const dataFolder = newFolder();
    const first = await open({ dataFolder });
    await first.platform.secrets.put("token", { value: "one" });
    await first.local.publish(draftOf("shows", SHOW, asks(1)));
    await first.platform.secrets.put("token", { value: "two" });
    await first.close();
    const second = await open({ dataFolder });
    await second.platform.wake("shows", 1);
    assert.equal((await call(second.local.instance("shows").address)).text, "one");
    await second.close();
  });

  it("stop a start whose value is gone, in words", async () => {
    const { platform, close } = await open({ dataFolder: newFolder() });
    const draft = draftOf("shows", SHOW, asks(3));
    const gone = { code: "unknown_secret", detail: /The secret "token" has no version 3 any more/ };
    await assert.rejects(platform.store(draft), gone);
    assert.equal(await platform.describe("shows"), undefined);
    await platform.secrets.put("token", { value: "one" });
    await publish(platform, draftOf("shows", SHOW, asks(1)));
    await publish(platform, draftOf("shows", SHOW));
    await platform.secrets.remove("token");
    await eventually("version 1 has no instance", () => instancesOf(platform, "shows", 1).length === 0);
    const needed = { code: "unknown_secret", detail: /The secret "token" has no version 1 any more/ };
    await assert.rejects(platform.route("shows", [{ version: 1, weight: 1 }]), needed);
    assert.equal(servingOf(platform, "shows")?.version, 2);
    await close();
  });

  it("refuse another key in words, and take new values with it", async () => {
    const dataFolder = newFolder();
    const first = await open({ dataFolder });
    await first.platform.secrets.put("token", { value: "one" });
    await first.local.publish(draftOf("shows", SHOW, asks(1)));
    await first.close();
    const second = await open({ dataFolder, secretsKey: { key: new Uint8Array(32).fill(9) } });
    const wrong = {
      code: "secrets_unavailable",
      detail: /The secret "token" was encrypted with another key than the one of SKIFF_SECRETS_KEY/,
    };
    await assert.rejects(second.platform.secrets.resolve({ V: { secret: "token", version: 1 } }), wrong);
    await assert.rejects(second.platform.wake("shows", 1), { code: "no_capacity" });
    const errors = async () => (await second.platform.describe("shows"))?.lastErrors ?? [];
    await eventually("the reason is described", async () => (await errors()).length > 0);
    const message = /^an instance could not be started: The secret "token" was encrypted with another key/;
    assert.match((await errors())[0]!.message, message);
    assert.equal((await second.platform.secrets.put("token", { value: "one" })).version, 2);
    assert.equal((await second.platform.secrets.resolve({ V: { secret: "token", version: 2 } })).V, "one");
    await second.close();
  });

  it("need a key", async () => {
    const { LocalPlatform } = await import("../../../../platform/local/local-platform.ts");
    const { limitsFromEnv } = await import("../../../../platform/limits.ts");
    const platform = await LocalPlatform.open({ dataFolder: newFolder(), limits: limitsFromEnv({}) });
    await assert.rejects(platform.secrets.put("a", { value: "v" }), {
      code: "secrets_unavailable",
      detail: /set SKIFF_SECRETS_KEY_FILE/,
    });
    await platform.close({ drainMs: 0 });
  });
});
