import assert from "node:assert/strict";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

/** Made from test/cluster/programs/server. */
const IMAGE = process.env.SKIFF_TEST_IMAGE ?? "skiff-test-server:1";

describe("images on the cluster", () => {
  let skiff: Installation;
  const deployed = new Set<string>();

  before(async () => {
    skiff = await Installation.install({ SKIFF_IMAGES: "skiff-test-server,nowhere.invalid/*" });
  });

  after(async () => {
    for (const name of deployed) await skiff.remove(name);
    await skiff.close();
  });

  async function deploy(name: string, settings = "", image = IMAGE): Promise<Record<string, unknown>> {
    deployed.add(name);
    const path = `/func?name=${name}&image=${encodeURIComponent(image)}&${settings}`;
    const response = await skiff.manage(path, { method: "POST" });
    return { status: response.status, ...((await response.json()) as object) };
  }

  const json = async (name: string, path = "", init: RequestInit = {}) =>
    (await (await skiff.call(name, path, init)).json()) as Record<string, unknown>;

  it("serve HTTP on PORT, with their own variables and those of the function", async () => {
    assert.equal((await deploy("server", "env=GREETING%3D%24(HOME)")).status, 201);
    const answer = await json("server", "/a?b=1", { method: "POST", body: "body" });
    const { method, url, body, FROM_IMAGE, GREETING } = answer;
    assert.deepEqual([method, url, body, FROM_IMAGE, GREETING], ["POST", "/a?b=1", "body", "yes", "$(HOME)"]);
    const { image } = (await (await skiff.manage("/func/server")).json()) as {
      image: Record<string, string>;
    };
    assert.match(image.digest!, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual((await deploy("server", "env=GREETING%3D%24(HOME)")).unchanged, true);
  });

  it("write nothing but to /tmp, as a user without rights", async () => {
    await deploy("confined");
    assert.deepEqual(await json("confined", "/write"), { written: ["/tmp/x"], uid: 1993 });
  });

  it("start again when their server ends, and wake from zero", async () => {
    await deploy("ending", "idle=1s");
    assert.equal((await skiff.call("ending", "/exit", { method: "POST" })).status, 502);
    assert.equal((await skiff.call("ending", "/on")).status, 200);
    await skiff.asleep("ending");
    assert.equal((await json("ending", "/again")).url, "/again");
  });

  it("run a command for each call, with the program host injected", async () => {
    const script = 'cat; echo " $FROM_IMAGE $QUERY_STRING $PWD"; [ "$QUERY_STRING" != fail ]';
    const words = ["sh", "-c", script].map((word) => `command=${encodeURIComponent(word)}`).join("&");
    assert.equal((await deploy("each", `stdio=1&${words}`)).status, 201);
    const response = await skiff.call("each", "?x=1", { method: "POST", body: "body" });
    assert.equal(await response.text(), "body yes x=1 /app\n");
    assert.equal(response.status, 200);
  });

  it("need a command for that, since the cluster does not tell the image's own", async () => {
    const { status, code, setting } = await deploy("nameless", "stdio=1");
    assert.deepEqual([status, code, setting], [400, "invalid_setting", "command"]);
  });

  it("say why they are not there, not allowed, or do not start", async () => {
    const unreachable = await deploy("nowhere", "", "nowhere.invalid/tool:1");
    assert.deepEqual(
      [unreachable.status, unreachable.code, unreachable.reason],
      [422, "image_unavailable", "unreachable"],
    );
    const refused = await deploy("refused", "", "alpine:3");
    assert.deepEqual([refused.status, refused.code], [403, "image_not_allowed"]);
    const missing = await deploy("missing-command", "command=no-such-server");
    assert.deepEqual([missing.status, missing.code], [422, "start_failed"]);
    assert.match(String(missing.detail), /no-such-server/);
  });

  it("have the credentials of their registry as long as they exist", async () => {
    const secret = { method: "PUT", body: "me:password" };
    await skiff.manage("/secret/registry", { ...secret, headers: { "content-type": "text/plain" } });
    assert.equal((await deploy("private", "pull-secret=registry")).status, 201);
    const [names, type] = ["{.spec.template.spec.imagePullSecrets[*].name}", "{.type}"];
    const place = ["-n", "skiff-functions", "-o"];
    const name = await kubectl("get", "deployment/private.v1", ...place, `jsonpath=${names}`);
    assert.equal(name, "skiff-pull-private.v1");
    const kind = await kubectl("get", `secret/${name}`, ...place, `jsonpath=${type}`);
    assert.equal(kind, "kubernetes.io/dockerconfigjson");
    await skiff.remove("private");
    await skiff.nothingIsLeft("private");
    const left = await kubectl("get", "secrets", ...place, "name", "-l", "skiff.dev/function=private");
    assert.equal(left, "");
    await skiff.manage("/secret/registry", { method: "DELETE" });
  });
});
