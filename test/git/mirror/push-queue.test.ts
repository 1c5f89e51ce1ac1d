import assert from "node:assert/strict";
import { join } from "node:path";
import type { MirrorServices } from "../../../manager/git/mirror/pull.ts";
import { PushQueue } from "../../../manager/git/mirror/push-queue.ts";
import { findGit } from "../../../manager/git/program/find-git.ts";
import { emptyState, type Mirror, type RepositoryState } from "../../../manager/git/repository.ts";
import { eventually } from "../../support/eventually.ts";
import { OtherSide } from "./other-side.ts";

describe("a push to a mirror that fails", function () {
  this.timeout(30_000);

  it("is tried again in the background, and printed once", async () => {
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
    try {
      other.instead = (_, response) => response.writeHead(503).end();
      queue.changed("hello");
      await eventually("it was tried three times", () => other.requests >= 3);
      assert.match(state.mirror!.last!.error!, /503/);
      other.instead = undefined;
      await eventually("it is pushed", () => state.mirror!.last!.error === undefined);
      assert.equal(other.head("live"), tip);
      await eventually("it is printed", () => lines.length > 1);
      assert.match(lines.join("\n"), /^mirror of hello: .*503.*\nmirrored hello: live [0-9a-f]{7} at .*$/);
    } finally {
      closing.abort();
      await queue.close();
      await tools.git.close();
      await other.close();
    }
  });
});
