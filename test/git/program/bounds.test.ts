import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { PassThrough } from "node:stream";
import { GitPlaces } from "../../../manager/git/git-places.ts";
import { endSilentBody } from "../../../manager/git/program/body-silence.ts";
import { GitFailed } from "../../../manager/git/program/git.ts";
import { toGitProblem } from "../../../manager/git/program/git-problem.ts";
import type { Problem } from "../../../platform/problems.ts";
import { programGit } from "../homes/program-git.ts";

const { signal } = new AbortController();

describe("the bounds of git", () => {
  it("leave half of the places to others", async () => {
    const places = new GitPlaces({ places: 4, inAll: 8 });
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    let slow = 0;
    const run = () =>
      places.run("key slow", signal, async () => {
        slow++;
        await ended;
      });
    const running = Array.from({ length: 4 }, run);
    await assert.rejects(run(), { code: "too_many_git", detail: /key slow run or wait, at most 4/ });
    assert.equal(await places.run("key other", signal, async () => slow), 2);
    end();
    await Promise.all(running);
    assert.equal(slow, 4);
    await run();
  });

  it("forget a request that leaves while it waits", async () => {
    const places = new GitPlaces({ places: 2, inAll: 4 });
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const first = places.run("a", signal, () => ended);
    const leaving = new AbortController();
    const second = places.run("a", leaving.signal, async () => {});
    leaving.abort(new Error("left"));
    await assert.rejects(second, /left/);
    const third = places.run("a", signal, async () => "third");
    end();
    assert.equal(await third, "third");
    await first;
  });

  describe("end a request", () => {
    let server: Server;
    afterEach(() => server.close());

    /** Sends a part of a body to a reader, and returns whether the connection was closed. */
    async function isClosed(target: PassThrough, part: string, untilMs: number): Promise<boolean> {
      const received = Promise.withResolvers<void>();
      server = createServer((incoming) => {
        incoming.pipe(target);
        endSilentBody(incoming, target, 50);
        incoming.once("data", () => received.resolve());
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const client = request({ host: "127.0.0.1", port, method: "POST" });
      const closed = new Promise<boolean>((resolve) => client.once("error", () => resolve(true)));
      client.write(part);
      await received.promise;
      const late = new Promise<boolean>((resolve) => setTimeout(resolve, untilMs, false));
      const result = await Promise.race([closed, late]);
      client.destroy();
      return result;
    }

    it("whose body stops", async () => {
      assert.ok(await isClosed(new PassThrough().resume(), "0032", 10_000));
    });

    it("unless git does not read", async () => {
      const full = new PassThrough({ highWaterMark: 1 });
      assert.equal(await isClosed(full, "x".repeat(10), 300), false);
    });
  });

  it("are no fault of Skiff when a repository is over them", () => {
    const stderr = "remote: x\nfatal: '/data/git/a.git': Out of memory, malloc failed\n";
    const problem = toGitProblem(new GitFailed("show", { exitCode: 128, stderr })) as Problem;
    assert.equal(problem.code, "git_failed");
    assert.match(problem.detail, /\(fatal: '…': Out of memory, malloc failed\)/);
    const late = toGitProblem(new DOMException("late", "TimeoutError")) as Problem;
    assert.match(late.detail, /SKIFF_GIT_TIMEOUT/);
    const other = new Error("other");
    assert.equal(toGitProblem(other), other);
  });

  it("hold for the memory of a command", async () => {
    const { git, close } = programGit();
    try {
      const run = git.run(["version"], { repository: process.cwd(), memoryBytes: 4 * 1024 ** 2 });
      await assert.rejects(run, { name: "GitFailed" });
    } finally {
      await close();
    }
  });
});
