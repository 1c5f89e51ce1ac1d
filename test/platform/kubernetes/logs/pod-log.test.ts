import assert from "node:assert/strict";
import { markEntry } from "../../../../client-image/console/marked-entry.ts";
import type { KubeApi } from "../../../../platform/kubernetes/cluster/api.ts";
import type { Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { followPod, readTail, type StampedLine } from "../../../../platform/kubernetes/logs/pod-log.ts";

const POD = {
  metadata: { name: "hello-abc", labels: { "skiff.dev/function": "hello", "skiff.dev/version": "3" } },
} as unknown as Pod;

/** The lines of a kubelet, one each millisecond. */
function stamped(output: string): string[] {
  const lines = output.split("\n").slice(0, -1);
  return lines.map((line, at) => `2026-11-29T10:00:00.${String(at).padStart(3, "0")}000001Z ${line}`);
}

/** An API server whose pod has these lines on each connection in turn, and is deleted after the last one. */
function apiWith(connections: string[][]): KubeApi {
  return {
    async *lines() {
      yield* connections.shift() ?? [];
    },
    get: async () => (connections.length > 0 ? POD : undefined),
  } as unknown as KubeApi;
}

const signal = new AbortController().signal;
const shown = ({ at, text, level, callId, stream }: StampedLine) =>
  [at.getUTCMilliseconds(), stream, level, callId, text] as const;

describe("the log of a pod", () => {
  const output = [
    "plain\n",
    markEntry({ text: "in a call", callId: "call-1" }),
    markEntry({ text: "Error: no\n    at file:///x.ts:1:1", level: "error", callId: "call-2" }),
    markEntry({ text: "careful", level: "warn" }),
  ].join("");
  const expected = [
    [0, "stdout", undefined, undefined, "plain"],
    [1, "stdout", "info", "call-1", "in a call"],
    [2, "stderr", "error", "call-2", "Error: no\n    at file:///x.ts:1:1"],
    [4, "stderr", "warn", undefined, "careful"],
  ];

  it("has entries with version, level and call id", async () => {
    const api = apiWith([stamped(output)]);
    const lines = await readTail(POD, { api, namespace: "f", tail: 10, signal });
    assert.deepEqual(lines.map(shown), expected);
    assert.deepEqual([lines[0]!.instance, lines[0]!.version], ["hello-abc", 3]);
  });

  it("that begins within an entry has the rest of it without its mark", async () => {
    const api = apiWith([stamped(output).slice(3, 4)]);
    const lines = await readTail(POD, { api, namespace: "f", tail: 1, signal });
    assert.deepEqual(
      lines.map(({ text }) => text),
      ["    at file:///x.ts:1:1"],
    );
  });

  it("is followed over a broken connection without a line missing or repeated", async () => {
    const all = stamped(output);
    // The first connection breaks within the entry of two lines. The kubelet starts a new one at a whole second.
    const api = apiWith([all.slice(0, 3), all]);
    const lines: StampedLine[] = [];
    await followPod(POD, {
      api,
      namespace: "f",
      since: undefined,
      signal,
      onLine: (line) => lines.push(line),
    });
    assert.deepEqual(lines.map(shown), expected);
  });
});
