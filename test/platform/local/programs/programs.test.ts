import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { instancesIn } from "../../../support/instances/instance-folders.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { programDraft } from "../../../support/packed-program.ts";
import { publish, wake } from "../../../support/platform/deploying.ts";
import {
  TemporaryLocalPlatform,
  type TemporaryOptions,
} from "../../../support/platform/temporary-local-platform.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

const ECHO = "#!/bin/sh\ncat\n";
const NO_NET = { net: [], sys: [] };
const PUBLIC = { net: ["public"], sys: [] };

describe("programs on one machine", () => {
  let folder: string;
  let local: TemporaryLocalPlatform | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-programs-"));
  });
  afterEach(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (options: TemporaryOptions = {}) => {
    local = await TemporaryLocalPlatform.open({ dataFolder: join(folder, "data"), ...options });
    return local;
  };
  const close = async () => {
    await local?.close();
    local = undefined;
  };

  it("run in a sandbox, answer with what they print, and are described by it", async function () {
    needsWall(this, "bwrap");
    const { platform } = await open();
    await publish(platform, programDraft("echo", ECHO));
    const answer = await call(local!.instance("echo").address, { method: "POST", body: "hello" });
    assert.equal(answer.text, "hello");
    const { isolation } = (await platform.describe("echo"))!;
    assert.match(isolation!.files, /^kernel namespaces \(bubblewrap\): .*read-only system folders/);
    assert.match(isolation!.network, /^none: other `net` rules are refused \(it is switched off\)$/);
  });

  it("get their files, executable ones too, their variables, and a folder to write to", async function () {
    needsWall(this, "bwrap");
    const script =
      '#!/bin/sh\nls -l ./main | cut -c1-10; echo "$WORD $TMPDIR $(pwd)"; echo x > /tmp/x && cat "$TMPDIR/x"\n';
    const { platform } = await open();
    await publish(platform, programDraft("files", script, { settings: { env: { WORD: "it's" } } }));
    const { text } = await call(local!.instance("files").address);
    assert.equal(text, "-r-xr-xr-x\nit's /work/scratch /skiff/code/project\nx\n");
  });

  it("log what they write to standard error as such, with the call", async function () {
    needsWall(this, "bwrap");
    const { platform } = await open();
    await publish(platform, programDraft("warns", "#!/bin/sh\necho oops >&2\necho fine\n"));
    const headers = { "x-skiff-call-id": "c-1" };
    assert.equal((await call(local!.instance("warns").address, { headers })).text, "fine\n");
    await eventually("the line", () => local!.lines.some(({ text }) => text === "oops"));
    const { stream, level, callId } = local!.lines.find(({ text }) => text === "oops")!;
    assert.deepEqual([stream, level, callId], ["stderr", "info", "c-1"]);
  });

  it("are refused with the reason where nothing can hold them, those that exist too", async function () {
    needsWall(this, "bwrap");
    const before = await open();
    await publish(before.platform, programDraft("echo", ECHO));
    await close();

    const { platform } = await open({ isolation: "permissions" });
    const refused = { code: "no_sandbox", detail: /SKIFF_ISOLATION=permissions allows no sandbox.*=none/ };
    await assert.rejects(publish(platform, programDraft("other", ECHO)), refused);
    await assert.rejects(wake(platform, "echo"), refused);
    assert.match(
      (await platform.describe("echo"))!.isolation!.files,
      /^none, so that programs are refused \(SKIFF_/,
    );
    assert.deepEqual(instancesIn(local!.dataFolder), []);
  });

  it("are refused if nothing holds them to their net rules", async function () {
    needsWall(this, "bwrap");
    const { platform } = await open();
    const draft = programDraft("net", ECHO, { settings: { permissions: PUBLIC } });
    await assert.rejects(publish(platform, draft), {
      code: "no_sandbox",
      detail: /"net" \(public\).*net=none/,
    });
    await publish(platform, programDraft("net", ECHO, { settings: { permissions: NO_NET } }));
  });

  it("run without a sandbox if that is asked for, and leave no process either", async () => {
    const { platform } = await open({ isolation: "none" });
    const marker = "3791";
    const script = `#!/bin/sh\nsetsid sleep ${marker} > /dev/null 2>&1 &\nid -u\n`;
    await publish(platform, programDraft("open", script));
    assert.match((await platform.describe("open"))!.isolation!.files, /^NO SANDBOX/);
    const { text } = await call(local!.instance("open").address);
    assert.equal(text, `${process.getuid?.()}\n`);
    await eventually("nothing of the call is left", () => processesWith(`sleep\0${marker}`).length === 0);
  });

  it("leave none without a sandbox either when their host is killed", async () => {
    const { platform, publish: deploy } = await open({ isolation: "none", useGroups: false });
    const marker = `86${process.pid}`;
    const script = `#!/bin/sh\nsetsid sleep ${marker} > /dev/null 2>&1 &\necho begun\nsleep ${marker}\n`;
    const { address } = await deploy.call(local, programDraft("open", script));
    const under = call(address).catch((error: Error) => error.message);
    await eventually("it runs", () => processesWith(`sleep\0${marker}`).length === 2);
    const [host] = processesWith(join(folder, "data", "host.mjs"));
    process.kill(host!, "SIGKILL");
    assert.match(await under.then(String), /aborted|hang up|ECONNRESET/);
    await eventually("nothing is left", () => processesWith(`sleep\0${marker}`).length === 0);
    await platform.remove("open");
  });
});
