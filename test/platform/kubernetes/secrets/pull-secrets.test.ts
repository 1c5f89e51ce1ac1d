import assert from "node:assert/strict";
import { dockerConfig } from "../../../../platform/kubernetes/images/pull-secrets.ts";

describe("the configuration with which an image is pulled", () => {
  const registryOf = (image: string) => Object.keys(JSON.parse(dockerConfig(image, "a:b", "s")).auths);

  it("is for the registry of the image", () => {
    assert.deepEqual(registryOf("alpine:3"), ["https://index.docker.io/v1/"]);
    assert.deepEqual(registryOf("docker.io/library/alpine"), ["https://index.docker.io/v1/"]);
    assert.deepEqual(registryOf("ghcr.io/acme/tool:1"), ["ghcr.io"]);
    assert.deepEqual(registryOf("registry.local:5000/tool"), ["registry.local:5000"]);
  });

  it("has user and password, which may have colons", () => {
    const { auths } = JSON.parse(dockerConfig("ghcr.io/acme/tool", "me:pass:word", "s"));
    assert.equal(Buffer.from(auths["ghcr.io"].auth, "base64").toString(), "me:pass:word");
    for (const value of ["", "me", ":word", "me:"]) {
      assert.throws(() => dockerConfig("alpine", value, "reg"), {
        code: "invalid_setting",
        detail: /"reg" has to be of the form user:password/,
        extensions: { setting: "pullSecret" },
      });
    }
  });
});
