import assert from "node:assert/strict";
import { AllowedImages } from "../../../../platform/images/allowed-images.ts";
import type { Engine } from "../../../../platform/local/engine/engine.ts";
import { EngineFinder } from "../../../../platform/local/engine/find-engine.ts";
import { EngineImages, unavailable } from "../../../../platform/local/engine/images.ts";
import { Problem } from "../../../../platform/problems.ts";
import { BOX, sharedEngine, type TestEngine } from "../../../support/engine.ts";
import { eventually } from "../../../support/eventually.ts";
import { MemorySecrets } from "../../../support/platform/memory-secrets.ts";
import { Registry } from "./registry.ts";

/** An archive without files. */
const EMPTY_TAR = Buffer.alloc(1024);
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const { signal } = new AbortController();

describe("the images of an engine", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let engine: Engine;
  let registry: Registry;
  let closed: Registry;
  const secrets = new MemorySecrets({ throwIfOver: () => {}, records: () => [] });

  before(async function () {
    test = await sharedEngine(this);
    engine = test.engine;
    registry = await Registry.start();
    closed = await Registry.start({ credentials: "somebody:s:ecret" });
    await secrets.put("registry", { value: "somebody:s:ecret" });
    await secrets.put("wrong", { value: "somebody:wr0ng" });
    await secrets.put("odd", { value: "no colon" });
  });

  after(() => {
    registry?.close();
    closed?.close();
  });

  function imagesOf({ pullMs = 20_000, allowed = "*" } = {}) {
    const lines: string[] = [];
    const images = new EngineImages({
      engines: new EngineFinder({ engine: test.socket }),
      allowed: AllowedImages.from(allowed, false),
      secrets,
      pullMs,
      onLine: (text) => lines.push(text),
    });
    return { images, lines };
  }

  function refusal(code: string, reason: string | undefined, text: RegExp) {
    return (error: unknown) => {
      assert.ok(error instanceof Problem, String(error));
      assert.deepEqual([error.code, error.extensions.reason], [code, reason], error.detail);
      assert.match(error.detail, text);
      return true;
    };
  }

  it("are known by their id where no registry has them", async () => {
    const { images } = imagesOf();
    const { image, digest } = await images.resolve(BOX, { signal });
    assert.equal(image, BOX);
    assert.match(digest, DIGEST);
    const found = await images.find(`localhost/box@${digest}`, { signal });
    assert.deepEqual(found.command, ["/bin/sh"]);
  });

  it("are pulled, and resolved to the digest of the registry; a moved tag has another one", async () => {
    const { images, lines } = imagesOf();
    const name = `${registry.name}/team/tool`;
    const first = registry.push("team/tool", "1", EMPTY_TAR, { Cmd: ["one"] });
    assert.deepEqual(await images.resolve(`${name}:1`, { signal }), { image: `${name}:1`, digest: first });
    assert.match(lines[0]!, /^Pulled 127\.0\.0\.1:\d+\/team\/tool:1 in /);
    assert.equal((await images.resolve(`${name}:1`, { signal })).digest, first);
    const second = registry.push("team/tool", "1", EMPTY_TAR, { Cmd: ["two"] });
    assert.equal((await images.resolve(`${name}:1`, { signal })).digest, second);
    // The older version runs what it meant at its deploy.
    assert.deepEqual((await images.find(`${name}@${first}`, { signal })).command, ["one"]);
    assert.deepEqual((await images.find(`${name}@${second}`, { signal })).command, ["two"]);
    assert.equal((await images.resolve(`${name}@${first}`, { signal })).digest, first);
  });

  it("are pulled again for a version if they were removed", async () => {
    const { images } = imagesOf();
    const name = `${registry.name}/team/removed`;
    registry.push("team/removed", "1", EMPTY_TAR, { Cmd: ["back"] });
    const { digest } = await images.resolve(`${name}:1`, { signal });
    await engine.removeImage(`${name}@${digest}`);
    assert.deepEqual((await images.find(`${name}@${digest}`, { signal })).command, ["back"]);
  });

  it("are pulled once for all that wait", async () => {
    const { images } = imagesOf();
    const digest = registry.push("team/shared", "1", EMPTY_TAR);
    registry.requests.length = 0;
    const all = [1, 2, 3, 4].map(() => images.resolve(`${registry.name}/team/shared:1`, { signal }));
    for (const each of await Promise.all(all)) assert.equal(each.digest, digest);
    const pulls = registry.requests.filter((line) => line.startsWith("GET /v2/team/shared/manifests/"));
    assert.equal(pulls.length, 1, registry.requests.join("\n"));
  });

  it("are pulled with the credentials of a secret", async () => {
    const { images } = imagesOf();
    const digest = closed.push("private", "1", EMPTY_TAR);
    const image = `${closed.name}/private:1`;
    const denied = refusal(
      "image_unavailable",
      "denied",
      /needs credentials: store USER:PASSWORD as a secret/,
    );
    await assert.rejects(images.resolve(image, { signal }), denied);
    await assert.rejects(images.resolve(image, { pullSecret: "wrong", signal }), (error) => {
      assert.ok(
        error instanceof Problem && !error.detail.includes("wr0ng"),
        "no part of the secret is shown",
      );
      return denied(error);
    });
    await assert.rejects(images.resolve(image, { pullSecret: "none", signal }), { code: "unknown_secret" });
    const odd = images.resolve(image, { pullSecret: "odd", signal });
    await assert.rejects(odd, refusal("invalid_setting", undefined, /store it as USER:PASSWORD/));
    assert.equal((await images.resolve(image, { pullSecret: "registry", signal })).digest, digest);
  });

  it("are refused if no registry, no such image, no time, or no permission is there", async () => {
    const { images } = imagesOf();
    const missing = images.resolve(`${registry.name}/team/none:1`, { signal });
    await assert.rejects(missing, refusal("image_unavailable", "not_found", /Check its name and tag/));
    const local = images.resolve("localhost/none:1", { signal });
    await assert.rejects(local, refusal("image_unavailable", "not_found", /Build it there/));
    await assert.rejects(
      images.resolve("Not An Image", { signal }),
      refusal("invalid_setting", undefined, /not a valid name/),
    );
    const { images: few } = imagesOf({ allowed: "ghcr.io/acme/*" });
    await assert.rejects(few.resolve(BOX, { signal }), { code: "image_not_allowed" });
    await assert.rejects(few.find(BOX, { signal }), { code: "image_not_allowed" });
  });

  it("have a deadline of their own, and an aborted deploy does not wait for it", async () => {
    const hanging = await Registry.start();
    hanging.isHanging = true;
    try {
      const { images } = imagesOf({ pullMs: 400 });
      const late = images.resolve(`${hanging.name}/slow:1`, { signal });
      await assert.rejects(
        late,
        refusal("image_unavailable", "timeout", /within 400 ms \(limit SKIFF_PULL_TIMEOUT\)/),
      );
      const { images: patient } = imagesOf();
      const abort = new AbortController();
      const aborted = patient.resolve(`${hanging.name}/slow:2`, { signal: abort.signal });
      const before = hanging.requests.length;
      await eventually("the pull is under way", () => hanging.requests.length > before);
      abort.abort(new Error("the client left"));
      await assert.rejects(aborted, /the client left/);
    } finally {
      hanging.close();
    }
  });

  it("that are here are used while the registry is away", async () => {
    const { images, lines } = imagesOf();
    const away = await Registry.start();
    const image = `${away.name}/here:1`;
    const digest = away.push("here", "1", EMPTY_TAR);
    await images.resolve(image, { signal });
    away.close();
    assert.equal((await images.resolve(image, { signal })).digest, digest);
    assert.match(lines.at(-1)!, /refused.*The image of that name on this machine is used/s);
    const other = images.resolve(image.replace("here", "other"), { signal });
    await assert.rejects(other, refusal("image_unavailable", "unreachable", /refused/));
  });
});

describe("the engine of this machine", () => {
  it("is asked for where there is none, with what to install", async () => {
    const engines = new EngineFinder({ engine: "/nonexistent.sock" });
    await assert.rejects(engines.get(), (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.code, "no_engine");
      assert.match(error.detail, /\/nonexistent\.sock\. Install Podman \(apt install podman\)/);
      return true;
    });
    const elsewhere = new EngineFinder({ dockerHost: "tcp://10.0.0.1:2375" });
    await assert.rejects(elsewhere.get(), /DOCKER_HOST=tcp:\/\/10\.0\.0\.1:2375 is not a Unix socket/);
  });

  it("tells why a registry refuses", () => {
    const reasons = {
      "denied: requested access to the resource is denied": "denied",
      "reading manifest 1 in docker.io/library/none: manifest unknown": "not_found",
      "dial tcp: lookup registry.example on 10.0.0.1:53: no such host": "unreachable",
      "toomanyrequests: You have reached your pull rate limit": "unreachable",
    };
    for (const [message, reason] of Object.entries(reasons)) {
      assert.equal(unavailable("an image", message).extensions.reason, reason, message);
    }
  });
});
