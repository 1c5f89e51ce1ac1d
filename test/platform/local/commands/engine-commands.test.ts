import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { AllowedImages } from "../../../../platform/images/allowed-images.ts";
import { EngineCommands } from "../../../../platform/local/commands/engine-commands.ts";
import { Engine } from "../../../../platform/local/engine/engine.ts";
import { EngineError } from "../../../../platform/local/engine/engine-error.ts";
import { EngineImages } from "../../../../platform/local/engine/images.ts";
import { LABELS, ownershipOf } from "../../../../platform/local/engine/leftovers.ts";
import { BOX, sharedEngine } from "../../../support/engine.ts";
import { MemorySecrets } from "../../../support/platform/memory-secrets.ts";
import { runsCommands } from "../../commands/conformance.ts";

const LIMITS = { scratchBytes: 16 * 1024 ** 2, processes: 64 };

describe("commands in containers of an engine", () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-"));
  let engine: Engine;
  let socket: string;
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** As of one process of Skiff. */
  const open = (run: string, used: Engine = engine) => {
    const engines = { get: async () => used, find: async () => ({ engine: used, about: "" }) };
    const secrets = new MemorySecrets({ records: () => [], throwIfOver: () => {} });
    const images = new EngineImages({
      engines,
      allowed: AllowedImages.from("*", true),
      secrets,
      pullMs: 5_000,
    });
    const ownership = ownershipOf(folder, run);
    return new EngineCommands({
      ...{ engines, images, ownership, used: join(folder, "used"), folder, limits: LIMITS, print: () => {} },
    });
  };
  const left = async () => {
    const { owner } = ownershipOf(folder, "");
    return (await engine.list({ [LABELS.owner]: owner })).map(({ id }) => id);
  };

  runsCommands(
    async (test) => {
      ({ engine, socket } = await sharedEngine(test));
      return { commands: open("now"), image: BOX, left, close: async () => {} };
    },
    {
      ...{ separatesErrors: true, limitsMemory: true, pullsImages: true, endsTrees: true },
      ...{ many: 5, slowMs: 5_000 },
    },
  );

  it("are removed when their Skiff has ended without doing so, and those of others stay", async () => {
    const order = { image: BOX, command: ["sleep", "300"], env: {}, memoryMiB: 64, timeoutMs: 60_000 };
    const { signal } = new AbortController();
    const crashed = await open("crashed").run({ ...order, id: "before" }, signal);
    const ending = new AbortController();
    const next = open("next");
    const running = await next.run({ ...order, id: "after" }, ending.signal);
    assert.equal(await next.sweep(), 1);
    assert.equal((await left()).length, 1);
    await crashed.ended;
    ending.abort();
    await running.ended;
    assert.deepEqual(await left(), []);
  }).timeout(60_000);

  it("end at their time limit also if the engine does not kill them, and go with a later attempt", async () => {
    /** Refuses all kills, and the first removals. */
    class Refusing extends Engine {
      removals = 0;
      readonly #refused: number;
      constructor(refused: number) {
        super(socket);
        this.#refused = refused;
      }
      override async kill(): Promise<void> {
        throw new EngineError(500, "cannot kill");
      }
      override async remove(id: string): Promise<void> {
        if (this.removals++ < this.#refused) throw new EngineError(500, "cannot remove");
        await super.remove(id);
      }
    }
    const order = { image: BOX, command: ["sleep", "60"], env: {}, memoryMiB: 64, timeoutMs: 300 };
    for (const { id, refused, remain } of [
      { id: "removed", refused: 1, remain: 0 },
      { id: "left", refused: 9, remain: 1 },
    ]) {
      const running = await open("stubborn", new Refusing(refused)).run(
        { ...order, id },
        new AbortController().signal,
      );
      const sinceMs = performance.now();
      const [end] = await Promise.all([running.ended, text(running.output), text(running.errors!)]);
      assert.equal(end.because, "timeout");
      assert.ok(performance.now() - sinceMs < 30_000);
      assert.equal((await left()).length, remain);
    }
    assert.equal(await open("next").sweep(), 1);
  }).timeout(60_000);

  it("have no network, no capabilities, no namespaces of their own, and a root folder that cannot be written to", async () => {
    const script =
      "unshare -Ur true 2>/dev/null; echo $?; grep -c : /proc/net/dev; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; echo x > /etc/x";
    const order = { image: BOX, command: ["sh", "-c", script], env: {}, memoryMiB: 64, timeoutMs: 20_000 };
    const running = await open("now").run({ ...order, id: "inside" }, new AbortController().signal);
    const [output, errors] = await Promise.all([text(running.output), text(running.errors!)]);
    const [unshared, interfaces, capabilities, privileges] = output.trim().split("\n");
    assert.notEqual(unshared, "0");
    assert.equal(interfaces, "1");
    assert.match(capabilities!, /\t0+$/);
    assert.match(privileges!, /\t1$/);
    assert.match(errors, /Read-only/);
    await running.ended;
  }).timeout(60_000);

  it("see no name of this machine", async () => {
    const order = { image: BOX, command: ["cat", "/etc/hosts"], env: {}, memoryMiB: 64, timeoutMs: 20_000 };
    const running = await open("now").run({ ...order, id: "hosts" }, new AbortController().signal);
    assert.equal(await text(running.output), "127.0.0.1\tlocalhost\n::1\tlocalhost\n");
    await running.ended;
  }).timeout(60_000);
});
