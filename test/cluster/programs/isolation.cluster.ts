import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

/** Made from test/cluster/programs/server. */
const IMAGE = process.env.SKIFF_TEST_IMAGE ?? "skiff-test-server:1";
/** Calls of each test, over two routers. */
const CALLS = 12;

const DENO = `
let calls = 0;
export default (request) => {
  const mark = Deno.env.get("TMPDIR") + "/mark";
  let found = false;
  try { Deno.statSync(mark); found = true; } catch {}
  Deno.writeTextFileSync(mark, "x");
  return Response.json({ calls: ++calls, found });
};`;

const SHELL = `#!/bin/sh
found=false
[ -e "$TMPDIR/mark" ] && found=true
touch "$TMPDIR/mark"
if pgrep -f "sleep 777" >/dev/null 2>&1; then found=true; fi
setsid sleep 777 >/dev/null 2>&1 </dev/null &
echo "{\\"calls\\":1,\\"found\\":$found}"
`;

describe("one call for each pod", () => {
  let skiff: Installation;
  let routers: string[];
  const deployed = new Set<string>();

  before(async () => {
    skiff = await Installation.install({ SKIFF_IMAGES: "skiff-test-server" });
    const path = "jsonpath={.items[*].status.podIP}";
    routers = (await kubectl("get", "pods", "-n", "skiff", "-l", "app=skiff-router", "-o", path)).split(" ");
    assert.equal(routers.length, 2);
  });

  after(async () => {
    for (const name of deployed) await skiff.remove(name);
    await skiff.close();
  });

  async function deploy(name: string, query: string, init: RequestInit): Promise<void> {
    deployed.add(name);
    const path = `/func?name=${name}&isolation=call&pool=2&max=6&${query}`;
    const response = await skiff.manage(path, { method: "POST", ...init });
    assert.equal(response.status, 201, await response.text());
  }

  /** A router refuses calls that would wait too long, and says when to try again. */
  async function callOnce(name: string, router: string): Promise<Record<string, unknown>> {
    let answer: Record<string, unknown> | undefined;
    let retryAtMs = 0;
    await eventually(
      `${name} answers`,
      async () => {
        if (performance.now() < retryAtMs) return false;
        const response = await fetch(`http://${router}:8080/fn/${name}`);
        const body = (await response.json()) as Record<string, unknown>;
        if (response.status === 429)
          retryAtMs = performance.now() + 1_000 * Number(response.headers.get("retry-after"));
        else assert.equal(response.status, 200, JSON.stringify(body));
        answer = response.status === 200 ? body : undefined;
        return answer !== undefined;
      },
      120_000,
    );
    return answer!;
  }

  /** Calls by both routers in turn, several at a time. */
  async function callAll(name: string): Promise<Record<string, unknown>[]> {
    const numbers = Array.from({ length: CALLS }, (_, at) => at);
    const answers: Record<string, unknown>[] = [];
    const worker = async () => {
      for (let at = numbers.pop(); at !== undefined; at = numbers.pop()) {
        answers.push(await callOnce(name, routers[at % 2]!));
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    return answers;
  }

  const podsOf = (name: string) =>
    skiff.pods.filter(({ metadata }) => metadata.labels?.["skiff.dev/function"] === name);

  async function poolIsBack(name: string): Promise<void> {
    await eventually(
      `${name} has its pool and nothing else`,
      () => {
        const pods = podsOf(name).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        const isUnused = pods.every(({ metadata }) => metadata.labels?.["skiff.dev/spent"] === undefined);
        return pods.length === 2 && isUnused;
      },
      60_000,
    );
  }

  it("holds for TypeScript with two routers: no call sees files or memory of another", async function () {
    this.timeout(240_000);
    await deploy("once-deno", "", { body: DENO });
    for (const answer of await callAll("once-deno")) assert.deepEqual(answer, { calls: 1, found: false });
    await poolIsBack("once-deno");
  });

  it("holds for programs", async function () {
    this.timeout(240_000);
    const headers = { "content-type": "application/octet-stream" };
    await deploy("once-shell", "runtime=program", { body: SHELL, headers });
    for (const answer of await callAll("once-shell")) assert.deepEqual(answer, { calls: 1, found: false });
    await poolIsBack("once-shell");
  });

  it("holds for images that serve", async function () {
    this.timeout(240_000);
    await deploy("once-image", `image=${encodeURIComponent(IMAGE)}`, {});
    for (const { calls, FROM_IMAGE } of await callAll("once-image")) {
      assert.deepEqual([calls, FROM_IMAGE], [1, "yes"]);
    }
    await poolIsBack("once-image");
  });

  it("goes to sleep, wakes, and leaves nothing when it is removed", async function () {
    this.timeout(240_000);
    await deploy("once-asleep", "idle=2s", { body: DENO });
    await skiff.asleep("once-asleep");
    const answer = await (await skiff.call("once-asleep")).json();
    assert.deepEqual(answer, { calls: 1, found: false });
    await skiff.remove("once-asleep");
    await skiff.nothingIsLeft("once-asleep");
  });
});
