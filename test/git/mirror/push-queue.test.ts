import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MirrorServices } from "../../../manager/git/mirror/pull.ts";
import { PushQueue } from "../../../manager/git/mirror/push-queue.ts";
import { findGit } from "../../../manager/git/program/find-git.ts";
import { emptyState, type Mirror, type RepositoryState } from "../../../manager/git/repository.ts";
import { eventually } from "../../support/eventually.ts";
import { OtherSide } from "./other-side.ts";

describe("a push to a mirror that fails", function () {
  this.timeout(30_000);

  /** A repository with one commit, whose mirror is the branch `live` of the other side. */
  async function startedQueue() {
    const other = await OtherSide.start();
    other.password = "";
    const bounds = { bounds: { pushBytes: 1024 ** 2 }, timeoutMs: 10_000 };
    const tools = await findGit({ folder: join(other.folder, "tools"), path: process.env.PATH, ...bounds });
    const tip = other.push({ "main.ts": "export default () => 1;\n" });
    const mirror: Mirror = { url: other.url, direction: "push", branch: "live" };
    let state: RepositoryState = { ...emptyState(), tip, mirror };
    const repository = {
      path: other.bare,
      get state() {
        return state;
      },
      save: async (change: { readonly state: RepositoryState }) => {
        state = change.state;
        return repository;
      },
    };
    const home = { find: async () => repository, open: async () => repository };
    const closing = new AbortController();
    const repositories = {
      closing: closing.signal,
      tools: async () => ({ home }),
      read: async () => ({ ...tools, repository }),
      inTurn: (_name: string, _signal: AbortSignal, work: () => Promise<void>) => work(),
    };
    const lines: string[] = [];
    const services = {
      ...{ repositories, allowedHosts: new Set([other.host]), now: Date.now },
      limits: { gitMs: 10_000, pushBytes: 1024 ** 2 },
      print: (line: string) => lines.push(line),
    } as unknown as MirrorServices;
    const queue = new PushQueue(services, { firstRetryMs: 50 });
    const close = async () => {
      closing.abort();
      await queue.close();
      await tools.git.close();
      await other.close();
    };
    return { other, tip, queue, lines, last: () => state.mirror!.last, signal: closing.signal, close };
  }

  it("is tried again in the background, and printed once", async () => {
    const { other, tip, queue, lines, last, close } = await startedQueue();
    try {
      other.instead = (_, response) => response.writeHead(503).end();
      queue.changed("hello");
      await eventually("it was tried three times", () => other.requests >= 3);
      assert.match(last()!.error!, /503/);
      other.instead = undefined;
      await eventually("it is pushed", () => last()!.error === undefined);
      assert.equal(other.head("live"), tip);
      await eventually("it is printed", () => lines.length > 1);
      assert.match(lines.join("\n"), /^mirror of hello: .*503.*\nmirrored hello: live [0-9a-f]{7} at .*$/);
    } finally {
      await close();
    }
  });

  it("has not failed if another manager pushed the same commit meanwhile", async () => {
    const { other, tip, queue, last, signal, close } = await startedQueue();
    try {
      const hook = join(other.bare, "hooks/update");
      writeFileSync(hook, '#!/bin/sh\ngit update-ref "$1" "$3"\nexit 1\n', { mode: 0o755 });
      assert.equal((await queue.push("hello", signal)).result, "pushed");
      assert.equal(other.head("live"), tip);
      assert.equal(last()!.error, undefined);
      other.git(["update-ref", "-d", "refs/heads/live"], other.bare);
      writeFileSync(hook, "#!/bin/sh\nexit 1\n");
      await assert.rejects(queue.push("hello", signal), /declined/);
      assert.match(last()!.error!, /declined/);
    } finally {
      await close();
    }
  });
});
