import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { LOCAL } from "../../../http/access/principal.ts";
import type { OpenRepository } from "../../../manager/git/homes/home.ts";
import { LiveRequests } from "../../../manager/git/live-requests.ts";
import type { ReceivePush } from "../../../manager/git/push/push.ts";
import { PushSession } from "../../../manager/git/push/push-session.ts";
import type { Repositories } from "../../../manager/git/repositories.ts";
import { emptyState } from "../../../manager/git/repository.ts";

const UPDATE = `update ${"1".repeat(40)} ${"0".repeat(40)} refs/heads/old`;

describe("PushSession", () => {
  const printed: string[] = [];

  /** Serves a hook that says it has its objects in a folder. */
  async function served(objects: string, receivePush: ReceivePush) {
    let said = "";
    const channel = Duplex.from({
      readable: [`objects ${objects}\n${UPDATE}\nend\n`],
      writable: async (written: AsyncIterable<Buffer>) => {
        for await (const chunk of written) said += chunk;
      },
    });
    const opened = { name: "hello", path: "/linked/hello.git", state: emptyState() } as OpenRepository;
    const repositories = {
      live: new LiveRequests(),
      isBusy: () => false,
      current: async () => opened,
      inTurn: (_name: string, _signal: AbortSignal, work: () => Promise<void>) => work(),
    } as unknown as Repositories;
    const session = new PushSession(
      {
        ...{ repositories, receivePush, limits: { repositoryBytes: 1 } },
        pushes: { count: () => {} } as never,
        print: (line) => printed.push(line),
      },
      {
        ...{ name: "hello", opened, principal: LOCAL, baseUrl: "", reachedAt: [] },
        signal: new AbortController().signal,
      },
    );
    await session.serve(channel);
    await finished(channel, { readable: false });
    return { said, detail: session.detail };
  }

  it("prints the cause of a failure that is not the push's, which the client does not see", async () => {
    const { said, detail } = await served("", async ({ objects }) => {
      assert.equal(objects, undefined);
      throw new Error("the disk is gone");
    });
    assert.match(said, /^say Skiff failed, not your request; the log of Skiff has the cause\.\nexit 1$/m);
    assert.match(printed.join("\n"), /^git: a push to hello failed: Error: the disk is gone\n {4}at /m);
    assert.equal(detail, "refused: internal_error");
  });

  it("finds the objects in the repository, which git names without links", async () => {
    let found: string | undefined;
    await served("/real/hello.git/./objects/tmp_objdir-incoming-1", async ({ objects }) => {
      found = objects;
      throw new Error("this is enough");
    });
    assert.equal(found, "/linked/hello.git/objects/tmp_objdir-incoming-1");
  });
});
