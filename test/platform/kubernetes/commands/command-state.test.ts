import assert from "node:assert/strict";
import type { ContainerState, Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { commandState, durationOf } from "../../../../platform/kubernetes/commands/command-state.ts";

const podIn = (state: ContainerState, phase = "Running"): Pod => ({
  metadata: { name: "c-1" },
  status: {
    phase,
    conditions: [{ type: "PodScheduled", status: "True" }],
    containerStatuses: [{ name: "command", state }],
  },
});

const stateOf = (state: ContainerState, phase?: string) => {
  const found = commandState(podIn(state, phase), "tool:1");
  if (found.is !== "refused") return found;
  const { code, detail, extensions } = found.problem;
  return { is: found.is, code, detail, ...extensions };
};
const ended = (terminated: NonNullable<ContainerState["terminated"]>) => stateOf({ terminated });

describe("the state of a command", () => {
  it("waits for a pod, a node and a container", () => {
    assert.deepEqual(commandState(undefined, "tool:1"), {
      is: "waiting",
      isScheduled: false,
      why: "the Job has no pod yet",
    });
    const conditions = [{ type: "PodScheduled", status: "False", message: "0/1 nodes are available" }];
    const pod = { metadata: { name: "c-1" }, status: { phase: "Pending", conditions } };
    assert.deepEqual(commandState(pod, "tool:1"), {
      is: "waiting",
      isScheduled: false,
      why: "0/1 nodes are available",
    });
    assert.deepEqual(stateOf({ waiting: { reason: "ContainerCreating" } }), {
      is: "waiting",
      isScheduled: true,
      why: "ContainerCreating",
    });
    assert.deepEqual(stateOf({ running: {} }), { is: "running" });
  });

  it("tells an exit code, 137 included, from a lack of memory", () => {
    const times = { startedAt: "2026-11-29T10:00:00Z", finishedAt: "2026-11-29T10:00:02Z" };
    assert.deepEqual(ended({ exitCode: 0, reason: "Completed", ...times }), {
      is: "ended",
      end: { exitCode: 0 },
      seconds: 2,
    });
    assert.deepEqual(ended({ exitCode: 137, reason: "Error" }), { is: "ended", end: { exitCode: 137 } });
    assert.deepEqual(ended({ exitCode: 137, reason: "OOMKilled" }), {
      is: "ended",
      end: { because: "out_of_memory" },
    });
    // A child was killed; the command went on.
    assert.deepEqual(ended({ exitCode: 0, reason: "OOMKilled" }), { is: "ended", end: { exitCode: 0 } });
    assert.deepEqual(stateOf({}, "Failed"), { is: "ended", end: { because: "aborted" } });
  });

  it("names a command that the image does not have", () => {
    const message =
      'failed to create task: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown';
    const expected = {
      is: "refused",
      code: "command_not_found",
      detail: 'The image tool:1 cannot run the command: "nope": executable file not found in $PATH',
    };
    assert.deepEqual(ended({ exitCode: 128, reason: "StartError", message }), expected);
    assert.deepEqual(stateOf({ waiting: { reason: "RunContainerError", message } }), expected);
    assert.deepEqual(ended({ exitCode: 128, reason: "StartError", message: "no space left on device" }), {
      is: "refused",
      code: "start_failed",
      detail: "The command cannot be started in tool:1: no space left on device",
    });
  });

  it("tells why an image cannot be pulled", () => {
    const cases = [
      [
        "not_found",
        "ErrImagePull",
        'failed to resolve reference "docker.io/library/nope:1": docker.io/library/nope:1: not found',
      ],
      [
        "denied",
        "ErrImagePull",
        "pull access denied, repository does not exist or may require authorization",
      ],
      ["denied", "ImagePullBackOff", "unexpected status from HEAD request: 401 Unauthorized"],
      ["unreachable", "ErrImagePull", "dial tcp: lookup nowhere.invalid on 10.0.0.1:53: no such host"],
      ["timeout", "ErrImagePull", "dial tcp 192.0.2.1:443: i/o timeout"],
      ["not_found", "InvalidImageName", "couldn't parse image name: invalid reference format"],
      ["not_found", "ErrImageNeverPull", "Container image is not present with pull policy of Never"],
    ] as const;
    for (const [expected, reason, message] of cases) {
      const detail = `The image tool:1 cannot be pulled: ${message}`;
      const found = stateOf({ waiting: { reason, message } }, "Pending");
      assert.deepEqual(found, { is: "refused", code: "image_unavailable", detail, reason: expected });
    }
  });

  it("has a duration within what the seconds of the kubelet admit", () => {
    assert.equal(durationOf(1_234.5, undefined), 1_235);
    assert.equal(durationOf(1_200, 1), 1_200);
    assert.equal(durationOf(3, 2), 1_001);
    assert.equal(durationOf(9_000, 1), 1_999);
  });
});
