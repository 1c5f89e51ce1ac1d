import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InstanceFolders } from "../../../../platform/local/instances/instance-folder.ts";
import { TooManyNetworks } from "../../../../platform/local/network/networks.ts";
import { Resources } from "../../../../platform/local/resources/resources.ts";
import { chooseIsolation } from "../../../../platform/local/wall/isolation.ts";
import {
  type LeasedNetwork,
  leaseNetwork,
  type Prepared,
  Sandboxes,
  WAITING_SANDBOXES,
} from "../../../../platform/local/wall/sandboxes.ts";
import { CodeCache, UNKEPT } from "../../../../runtimes/deno/code-cache.ts";
import { denoPath } from "../../../../runtimes/deno/deno-binary.ts";
import { eventually } from "../../../support/eventually.ts";
import { notTried } from "../../../support/not-tried.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

describe("sandboxes", () => {
  let data: string;
  let resources: Resources;
  let sandboxes: Sandboxes;
  const taken = new Set<Prepared>();
  let openNetwork: (rules: readonly string[]) => Promise<LeasedNetwork>;
  let isStarting: () => boolean;

  /** Processes of other tests, such as that of esbuild. */
  let others: number[];
  const ownChildren = () => children().filter((child) => !others.includes(child));
  beforeEach(async function () {
    others = children();
    openNetwork = () => leaseNetwork(undefined, []);
    isStarting = () => false;
    needsWall(this, "unshare");
    data = mkdtempSync(join(tmpdir(), "skiff-test-"));
    const program = join(data, "runtime.mjs");
    writeFileSync(program, "");
    const { wall } = await chooseIsolation({
      mode: "wall",
      runtime: { binary: denoPath(), program },
      attempt: async () => {},
    });
    resources = new Resources(data, { useGroups: false });
    sandboxes = new Sandboxes({
      ...{ profile: wall!, folders: new InstanceFolders(data), resources, workBytes: 1024 ** 2 },
      openNetwork: (rules) => openNetwork(rules),
      isStarting: () => isStarting(),
      seed: async () => {},
    });
  });

  afterEach(async () => {
    for (const each of taken) await sandboxes.discard(each);
    taken.clear();
    await sandboxes.close();
    resources.close();
    rmSync(data, { recursive: true, force: true });
  });

  const take = async () => {
    const prepared = await sandboxes.take([]);
    taken.add(prepared);
    return prepared;
  };
  const folders = () => readdirSync(join(data, "instances"));
  const waiting = (count: number) =>
    eventually(`${count} wait`, () => folders().length === taken.size + count);

  it("wait for the next, and are replaced when they are taken", async () => {
    await take();
    await waiting(WAITING_SANDBOXES);
    const ids = folders();
    const second = await take();
    assert.ok(ids.includes(second.folder.id), "it is one of those that waited");
    await waiting(WAITING_SANDBOXES);
  });

  it("do not wait after an attempt", async () => {
    let opened = 0;
    openNetwork = (rules) => {
      opened++;
      return leaseNetwork(undefined, rules);
    };
    await sandboxes.discard(await sandboxes.takeAlone());
    await sandboxes.close();
    assert.deepEqual([opened, folders()], [1, []]);
  });

  it("are replaced after the starts under way", async () => {
    let asked = 0;
    isStarting = () => ++asked < 3;
    await take();
    await waiting(WAITING_SANDBOXES);
    assert.equal(asked, 3);
  });

  it("are replaced while starts hang", async () => {
    let asked = 0;
    isStarting = () => ++asked > 0;
    await take();
    await waiting(WAITING_SANDBOXES);
    assert.ok(asked > 3, "they were put off");
  });

  it("let go of networks that nobody else holds for one that is needed, and of no other", async () => {
    // One network at a time, whoever holds it.
    const held: string[] = [];
    openNetwork = async (rules) => {
      const key = String(rules);
      if (held.some((each) => each !== key)) throw new TooManyNetworks(1);
      held.push(key);
      const close = async () => void held.splice(held.indexOf(key), 1);
      return { ...(await leaseNetwork(undefined, [])), enter: ["env", `NETWORK=${key}`], close };
    };
    const take = async (rules: readonly string[]) => {
      const prepared = await sandboxes.take(rules);
      taken.add(prepared);
      return prepared;
    };
    const first = await take(["10.0.0.1"]);
    await waiting(WAITING_SANDBOXES);
    taken.delete(first);
    await sandboxes.discard(first);
    assert.equal(held.length, WAITING_SANDBOXES);
    const second = await take(["10.0.0.2"]);
    assert.ok(!held.includes("10.0.0.1"));
    await waiting(WAITING_SANDBOXES);
    await assert.rejects(take(["10.0.0.1"]), /1 networks are in use/);
    assert.ok(!second.sandbox.isEnded);
  });

  it("that ended while they waited are not handed out, and leave nothing", async () => {
    const first = await take();
    await waiting(WAITING_SANDBOXES);
    const dead = folders().filter((id) => id !== first.folder.id);
    for (const child of ownChildren()) if (child !== first.sandbox.child.pid) process.kill(child, "SIGKILL");
    await eventually("they have ended", () => ownChildren().length === 1);
    const second = await take();
    assert.ok(!dead.includes(second.folder.id));
    assert.equal(second.sandbox.isEnded, false);
    for (const id of dead) assert.ok(!existsSync(join(data, "instances", id)));
  });

  it("have users of their own where Skiff is root", async function () {
    if (process.getuid?.() !== 0) notTried(this, "only root can give users away");
    const [one, two] = [await take(), await take()];
    assert.notEqual(one.user, two.user);
    assert.match(
      readFileSync(`/proc/${one.sandbox.pid}/status`, "utf8"),
      new RegExp(`^Uid:\\t${one.user}\\t`, "m"),
    );
  });

  it("that cannot be made keep no network", async () => {
    const { wall } = await chooseIsolation({
      mode: "wall",
      runtime: { binary: denoPath(), program: join(data, "runtime.mjs") },
      attempt: async () => {},
    });
    const folders = new InstanceFolders(data);
    folders.create = () => {
      throw new Error("the disk is full");
    };
    let open = 0;
    const failing = new Sandboxes({
      ...{ profile: wall!, folders, resources, workBytes: 1024 ** 2, seed: async () => {} },
      openNetwork: async () => {
        open++;
        return { ...(await leaseNetwork(undefined, [])), close: async () => void open-- };
      },
    });
    await assert.rejects(failing.take([]), /the disk is full/);
    await failing.close();
    assert.equal(open, 0);
  });

  it("leave no process and no folder when they are closed", async () => {
    await take();
    await waiting(WAITING_SANDBOXES);
    for (const each of taken) await sandboxes.discard(each);
    taken.clear();
    await sandboxes.close();
    assert.deepEqual(folders(), []);
    assert.deepEqual(ownChildren(), []);
  });

  describe("and the socket in them", () => {
    /** Something in the place of the socket, as whoever is inside could put it there. */
    const path = ({ sandbox }: Prepared) => join(sandbox.workPath, "sock");

    it("is pinned: what is put in its place later is not reached", async () => {
      const prepared = await take();
      const server = createServer().listen(path(prepared));
      await eventually("it listens", () => existsSync(path(prepared)));
      const pinned = prepared.sandbox.pinSocket();
      rmSync(path(prepared));
      symlinkSync("/var/run/docker.sock", path(prepared));
      assert.equal(prepared.sandbox.pinSocket(), pinned);
      server.close();
    });

    for (const [what, put] of [
      ["nothing", () => {}],
      ["a link", (at: string) => symlinkSync("/var/run/docker.sock", at)],
      ["a file", (at: string) => writeFileSync(at, "")],
      ["a folder", (at: string) => mkdirSync(at)],
      ["a pipe", (at: string) => makePipe(at)],
    ] as const) {
      it(`is not pinned if there is ${what}`, async () => {
        const prepared = await take();
        put(path(prepared));
        assert.throws(() => prepared.sandbox.pinSocket(), /does not listen on its socket|ENOENT/);
      });
    }
  });

  describe("and what is taken of Deno's cache in them", () => {
    const NAME = "v8_code_cache_v2";
    /** What a cache takes from a folder that `fill` has filled. */
    async function kept(fill: (folder: string) => void): Promise<string[]> {
      const prepared = await take();
      const folder = join(prepared.sandbox.workPath, "deno");
      mkdirSync(folder);
      fill(folder);
      const bundle = join(data, "version", "bundle.mjs");
      mkdirSync(join(data, "version"));
      writeFileSync(bundle, "x".repeat(100_000));
      const own = join(data, "version", "deno");
      const cache = new CodeCache(join(data, "shared"), "key");
      (await cache.provide(bundle, prepared)).loaded();
      // Until it was taken or refused, nobody else of the version is asked for it.
      await eventually("it was looked at", async () => {
        const next = await cache.provide(bundle, prepared);
        await next.close();
        return existsSync(join(own, "complete")) || next !== UNKEPT;
      });
      return existsSync(own) ? readdirSync(own).sort() : [];
    }

    it("are its files", async () => {
      assert.deepEqual(await kept((folder) => writeFileSync(join(folder, NAME), "code")), ["complete", NAME]);
    });

    for (const [what, fill] of [
      ["links", (folder: string) => symlinkSync("/etc/passwd", join(folder, NAME))],
      ["pipes", (folder: string) => makePipe(join(folder, NAME))],
      ["folders", (folder: string) => mkdirSync(join(folder, NAME))],
      [
        "huge files",
        (folder: string) => {
          writeFileSync(join(folder, NAME), "");
          truncateSync(join(folder, NAME), 2 ** 40);
        },
      ],
    ] as const) {
      it(`are no ${what}`, async () => {
        assert.deepEqual(await kept(fill), []);
      });
    }
  });
});

/** By a program, which has other descriptors than this one. */
function makePipe(at: string): void {
  execFileSync("mkfifo", [at.replace("/proc/self/", `/proc/${process.pid}/`)]);
}

/** Of this process. */
function children(): number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
