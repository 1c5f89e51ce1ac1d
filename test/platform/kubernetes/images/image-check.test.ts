import assert from "node:assert/strict";
import type { ContainerState, Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { checkPod, checkResult } from "../../../../platform/kubernetes/images/image-check.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const ENDED = { terminated: { exitCode: 128, reason: "StartError" } };
const failing = (message: string): ContainerState => ({ waiting: { reason: "ErrImagePull", message } });
const UNREACHABLE = failing("dial tcp: lookup registry.example.com: no such host");
const ABSENT: ContainerState = { waiting: { reason: "ErrImageNeverPull" } };

function resultOf(
  [pulled, pulledId = ""]: [ContainerState, string?],
  [present, presentId = ""]: [ContainerState, string?],
) {
  const containerStatuses = [
    { name: "pulled", state: pulled, imageID: pulledId },
    { name: "present", state: present, imageID: presentId },
  ];
  const result = checkResult("tool:1", {
    metadata: { name: "p" },
    status: { containerStatuses },
  } satisfies Pod);
  if (result === undefined || "source" in result) return result?.source;
  return [result.problem.code, result.problem.extensions.reason];
}

describe("the check of an image", () => {
  it("pulls a name anew and a digest if it is absent, and runs nothing of the image", () => {
    // biome-ignore lint/suspicious/noExplicitAny: a manifest is read by path
    const podOf = (image: string): any =>
      checkPod("skiff-image-1", image, { namespace: "f", pullMs: 300_000, pullSecret: "s" });
    const { spec, metadata } = podOf("tool:1");
    const policies = spec.containers.map((each: { imagePullPolicy: string }) => each.imagePullPolicy);
    assert.deepEqual(policies, ["Always", "Never"]);
    assert.equal(podOf(`tool@${DIGEST}`).spec.containers[0].imagePullPolicy, "IfNotPresent");
    assert.deepEqual([spec.restartPolicy, spec.activeDeadlineSeconds], ["Never", 360]);
    assert.deepEqual(spec.imagePullSecrets, [{ name: "s" }]);
    assert.equal(metadata.labels["skiff.dev/image-check"], "skiff-image-1");
    for (const { command, securityContext } of spec.containers) {
      assert.deepEqual(command, ["/.skiff-no-such-command"]);
      assert.equal(securityContext.readOnlyRootFilesystem, true);
    }
  });

  it("returns the digest that a registry has, in the forms of all container runtimes", () => {
    for (const id of [`docker.io/library/tool@${DIGEST}`, `docker-pullable://tool@${DIGEST}`]) {
      assert.deepEqual(resultOf([ENDED, id], [{}]), { image: "tool:1", digest: DIGEST });
    }
    for (const id of [DIGEST, `docker://${DIGEST}`, "a".repeat(64)]) {
      assert.deepEqual(resultOf([ENDED, id], [{}]), { image: "tool:1", digest: DIGEST, isLocal: true });
    }
  });

  it("waits until a node has tried both", () => {
    assert.equal(checkResult("tool:1", { metadata: { name: "p" } }), undefined);
    assert.equal(resultOf([{ waiting: { reason: "ContainerCreating" } }], [{}]), undefined);
    assert.equal(resultOf([UNREACHABLE], [{ waiting: { reason: "ContainerCreating" } }]), undefined);
  });

  it("takes an image that the node has if no registry has it, or none can be reached", () => {
    const local = { image: "tool:1", digest: DIGEST, isLocal: true };
    assert.deepEqual(resultOf([failing("denied: may require authorization")], [ENDED, DIGEST]), local);
    const pulled = `docker.io/library/tool@${DIGEST}`;
    assert.deepEqual(resultOf([UNREACHABLE], [ENDED, pulled]), { image: "tool:1", digest: DIGEST });
    assert.deepEqual(resultOf([failing("manifest unknown: not found")], [ENDED, pulled]), [
      "image_unavailable",
      "not_found",
    ]);
  });

  it("says why an image is nowhere", () => {
    assert.deepEqual(resultOf([UNREACHABLE], [ABSENT]), ["image_unavailable", "unreachable"]);
    assert.deepEqual(resultOf([failing("401 Unauthorized")], [ABSENT]), ["image_unavailable", "denied"]);
  });
});
