import assert from "node:assert/strict";
import { AllowedImages } from "../../../platform/images/allowed-images.ts";
import { parseImage } from "../../../platform/images/image-reference.ts";
import { Problem } from "../../../platform/problems.ts";

const DIGEST = `sha256:${"a1".repeat(32)}`;

describe("images: references", () => {
  const parsed = (text: string) => {
    const { registry, repository, tag, digest } = parseImage(text)!;
    return [registry, repository, tag, digest];
  };

  it("have the registry, path and tag that Docker takes them for", () => {
    assert.deepEqual(parsed("alpine"), ["docker.io", "library/alpine", undefined, undefined]);
    assert.deepEqual(parsed("acme/tool:1.2"), ["docker.io", "acme/tool", "1.2", undefined]);
    assert.deepEqual(parsed("localhost/box:1"), ["localhost", "box", "1", undefined]);
    assert.deepEqual(parsed("localhost:5000/box"), ["localhost:5000", "box", undefined, undefined]);
    assert.deepEqual(parsed("docker.io/alpine"), ["docker.io", "library/alpine", undefined, undefined]);
    assert.deepEqual(parsed(`ghcr.io/a/b/c:v1@${DIGEST}`), ["ghcr.io", "a/b/c", "v1", DIGEST]);
  });

  it("are nothing else", () => {
    const wrong = ["", "Alpine", "a b", "-x", "a@b", "a:", "a//b", "https://a.b/c", `a@${DIGEST}@${DIGEST}`];
    for (const text of [...wrong, "a/../b", "x".repeat(513), "a:b c", "a.b/", "$(x)"])
      assert.equal(parseImage(text), undefined, text);
  });
});

describe("images: the allow-list", () => {
  const allows = (list: string | undefined, image: string, isLocal = false) => {
    try {
      AllowedImages.from(list, isLocal).check(image);
      return true;
    } catch (error) {
      assert.ok(error instanceof Problem);
      assert.equal(error.code, "image_not_allowed");
      assert.equal(error.extensions.setting, "SKIFF_IMAGES");
      return false;
    }
  };

  it("allows everything on loopback and nothing elsewhere, unless it is set", () => {
    for (const image of ["alpine", "ghcr.io/a/b:1", "host"]) {
      assert.equal(allows(undefined, image, true), true, image);
      assert.equal(allows("", image, false), false, image);
      assert.equal(allows("*", image, false), true, image);
      assert.equal(allows("busybox", image, true), false, image);
    }
  });

  it("takes every way to write a repository as the same, whatever its tag", () => {
    for (const image of ["alpine", "alpine:3.5", "docker.io/library/alpine", `library/alpine@${DIGEST}`])
      for (const entry of ["alpine", "docker.io/alpine", "docker.io/library/*", "index.docker.io/*"])
        assert.equal(allows(entry, image), true, `${entry} ${image}`);
  });

  it("holds whole parts of a path", () => {
    assert.equal(allows("ghcr.io/acme/*, busybox", "ghcr.io/acme/a/b"), true);
    assert.equal(allows("ghcr.io/acme/*", "ghcr.io/acme"), false);
    assert.equal(allows("ghcr.io/acme/*", "ghcr.io/acme-evil/tool"), false);
    assert.equal(allows("ghcr.io/*", "ghcr.io.example.com/tool"), false);
    assert.equal(allows("acme/tool", "ghcr.io/acme/tool"), false);
    assert.equal(allows("docker.io/*", "host"), false);
    assert.equal(allows("host", "host"), true);
    assert.equal(allows("host", "docker.io/library/host"), false);
    assert.equal(allows("docker.io/*", "docker.io/host"), true);
  });

  it("refuses entries that would allow more than they seem to", () => {
    for (const entry of ["ghcr.io*", "alpine:3.5", "a*b", "*/x", "/*", "UPPER/x"])
      assert.throws(() => AllowedImages.from(entry, true), /^Error: SKIFF_IMAGES: ".+" cannot be read: use /);
  });

  it("says which names are none", () => {
    const check = () => AllowedImages.from("*", true).check("https://ghcr.io/a");
    assert.throws(check, (error: Problem) => error.code === "invalid_request");
  });
});
