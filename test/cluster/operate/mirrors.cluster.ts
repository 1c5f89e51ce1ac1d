import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { GitUser } from "../../git/support/git-user.ts";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

/** A repository of the installation itself is the other one: a cluster may have no way to the internet. */
const [ORIGIN, FOLLOWER, COPY] = ["mirror-origin", "mirror-follower", "mirror-copy"];
const HOST = "skiff-manager.skiff.svc";
const SIGNING = "0123456789abcdef0123456789abcdef";
const DEPLOYED_WITHIN_MS = 120_000;
const REPLACED_WITHIN_MS = 180_000;
const source = (text: string) => ({ "main.ts": `export default () => ${JSON.stringify(text)};\n` });
const there = (name: string) => `http://${HOST}/git/${name}.git`;

describe("mirrors of git repositories on the cluster", function () {
  this.timeout(600_000);
  let skiff: Installation;
  let ada: GitUser | undefined;

  before(async () => {
    skiff = await Installation.install();
    await skiff.manage("/secret/mirror-token", { method: "PUT", body: skiff.token });
    await skiff.manage("/secret/mirror-hook", { method: "PUT", body: SIGNING });
    ada = await GitUser.init(urlOf(skiff.manager, ORIGIN));
  });
  after(async () => {
    ada?.close();
    for (const name of [ORIGIN, FOLLOWER, COPY]) await skiff.remove(name);
    for (const name of ["mirror-token", "mirror-hook"])
      await skiff.manage(`/secret/${name}`, { method: "DELETE" });
    await setHosts("-");
    await skiff.close();
  });

  const urlOf = (manager: string, name: string) =>
    `${manager.replace("http://", `http://x:${skiff.token}@`)}/git/${name}.git`;
  const answer = async (name: string) => (await skiff.call(name)).text();

  /** Resolves when only managers with these hosts are left. */
  async function setHosts(value: string): Promise<void> {
    const before = new Set((await managers()).map(({ name }) => name));
    await kubectl("set", "env", "-n", "skiff", "deployment/skiff-manager", `SKIFF_CALLBACK_HOSTS${value}`);
    const isReplaced = async () => {
      const names = await kubectl("get", "pods", "-n", "skiff", "-l", "app=skiff-manager", "-o", "name");
      const isOld = names.split("\n").some((name) => before.has(name.replace("pod/", "")));
      return !isOld && (await managers()).length === 2;
    };
    await eventually("every manager is new", isReplaced, REPLACED_WITHIN_MS);
  }

  async function managers(): Promise<{ name: string; url: string }[]> {
    const text = await kubectl(
      ...["get", "pods", "-n", "skiff", "-l", "app=skiff-manager", "-o"],
      'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {.status.podIP}{"\\n"}{end}',
    );
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => ({ name: line.split(" ")[0]!, url: `http://${line.split(" ")[1]}:8080` }));
  }

  async function send(method: string, path: string, body?: object) {
    const response = await skiff.manage(path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** A delivery as GitHub sends it, to one manager. */
  async function deliver(manager: string, commit: string): Promise<number> {
    const body = JSON.stringify({ ref: "refs/heads/main", after: commit });
    const signature = `sha256=${createHmac("sha256", SIGNING).update(body).digest("hex")}`;
    const headers = { "content-type": "application/json", "x-github-event": "push" };
    const response = await fetch(`${manager}/git/${FOLLOWER}/hook`, {
      ...{ method: "POST", body, headers: { ...headers, "x-hub-signature-256": signature } },
    });
    await response.body?.cancel();
    return response.status;
  }

  async function pushed(text: string): Promise<string> {
    const commit = await ada!.commit(source(text), text);
    const { code, stderr } = await ada!.push();
    assert.equal(code, 0, stderr);
    return commit;
  }

  /** Waits until a commit is deployed; the failure has what the follower says of itself. */
  async function follows(commit: string, text: string): Promise<void> {
    let seen = "";
    const isDeployed = async () => {
      const { head, mirror } = (await send("GET", `/git/${FOLLOWER}`)).body;
      seen = JSON.stringify([head, mirror]);
      return head === commit && (await answer(FOLLOWER)) === text;
    };
    await eventually(`${commit} is deployed`, isDeployed, DEPLOYED_WITHIN_MS).catch((error: Error) => {
      throw new Error(`${error.message}: ${seen}`);
    });
  }

  it("need the host of a private address in SKIFF_CALLBACK_HOSTS of the managers", async () => {
    await pushed("one");
    const mirror = { url: there(ORIGIN), direction: "pull", webhookSecret: "mirror-hook" };
    const refused = await send("PUT", `/git/${FOLLOWER}/mirror`, mirror);
    assert.equal(refused.status, 400);
    assert.match(refused.body.detail as string, /not a public address: name it in SKIFF_CALLBACK_HOSTS/);
    await setHosts(`=${HOST}`);
    const { status, body } = await send("PUT", `/git/${FOLLOWER}/mirror`, {
      ...mirror,
      secret: "mirror-token",
    });
    assert.equal(status, 200, JSON.stringify(body));
    const synced = await send("POST", `/git/${FOLLOWER}/sync`);
    assert.equal(synced.body.result, "deployed", JSON.stringify(synced.body));
    assert.equal(await answer(FOLLOWER), "one");
  });

  it("deploy once what signed webhooks announce to every manager", async () => {
    const commit = await pushed("two");
    const pods = await managers();
    assert.equal(pods.length, 2);
    const statuses = await Promise.all(
      pods.flatMap(({ url }) => [deliver(url, commit), deliver(url, commit)]),
    );
    assert.deepEqual(new Set(statuses), new Set([202]));
    await follows(commit, "two");
    for (const { url } of pods) {
      const { stdout } = await ada!.run("ls-remote", urlOf(url, FOLLOWER), "refs/heads/main");
      assert.equal(stdout.split("\t")[0], commit);
    }
    const { versions } = (await send("GET", `/func/${FOLLOWER}/versions`)).body as { versions: unknown[] };
    assert.equal(versions.length, 2);
  });

  it("follow on after a manager was killed while it fetched", async () => {
    const commit = await pushed("three");
    const [victim] = await managers();
    assert.equal(await deliver(victim!.url, commit), 202);
    await kubectl("delete", "pod", "-n", "skiff", victim!.name, "--grace-period=0", "--force");
    const isReplaced = async () => {
      const ready = await managers();
      return ready.length === 2 && ready.every(({ name }) => name !== victim!.name);
    };
    await eventually("two managers are ready", isReplaced, REPLACED_WITHIN_MS);
    const [one] = await managers();
    assert.equal(await deliver(one!.url, commit), 202);
    await follows(commit, "three");
  });

  it("push what is deployed, by whichever manager deploys it", async () => {
    const mirror = { url: there(COPY), direction: "push", secret: "mirror-token" };
    const { status, body } = await send("PUT", `/git/${ORIGIN}/mirror`, mirror);
    assert.equal(status, 200, JSON.stringify(body));
    await eventually(
      "the copy is deployed",
      async () => (await answer(COPY)) === "three",
      DEPLOYED_WITHIN_MS,
    );
    for (const [index, { url }] of (await managers()).entries()) {
      await ada!.git("remote", "set-url", "origin", urlOf(url, ORIGIN));
      await pushed(`by ${index}`);
      const isThere = async () => (await answer(COPY)) === `by ${index}`;
      await eventually("the push is in the copy", isThere, DEPLOYED_WITHIN_MS);
    }
    const last = async () => {
      const { head, mirror } = (await send("GET", `/git/${ORIGIN}`)).body;
      const { commit, error } = (mirror as { last: { commit: string; error?: string } }).last;
      return commit === head && error === undefined;
    };
    await eventually("the end is stored", last);
  });
});
