import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { IsolationMode } from "../../platform/local/wall/isolation.ts";
import { needsLinux, notTried } from "../support/not-tried.ts";
import { type Attempt, Stage } from "./stage.ts";

const CONNECT: Attempt = {
  title: "connects",
  code: "const c = await Deno.connect({ transport: 'unix', path: given.name }); return new Response(c.readable).text()",
  expect: /./,
};

/** Sockets of the machine that have a name but no file (unix(7)): no permission of Deno's names them. */
describe("abstract sockets of the machine", () => {
  const name = `\0skiff-test-${randomUUID()}`;
  let server: Server;
  before(async function () {
    needsLinux(this, "abstract sockets");
    server = createServer((socket) => socket.end("reached")).listen(name);
    await once(server, "listening");
  });
  after(() => server?.close());

  async function outcome(net: string[], isolation: IsolationMode, walledNetwork = false): Promise<string> {
    const stage = await Stage.open(isolation, undefined, walledNetwork);
    try {
      if (walledNetwork && /alone/.test(await stage.platform.describeNetwork())) return "no network wall";
      const trial = await stage.deploy("trial", [CONNECT], { permissions: { net } });
      return await trial.run(CONNECT.title, { name });
    } finally {
      await stage.close();
    }
  }

  it("are reached with public in net where there is no network wall, as docs/isolation.md says", async () => {
    assert.equal(await outcome(["public"], "permissions"), `returned "reached"`);
  });

  it("are not reached by a function that lists what it reaches", async () => {
    assert.match(await outcome([], "permissions"), /^NotCapable: /);
    assert.match(await outcome(["api.example.com"], "permissions"), /^NotCapable: /);
  });

  it("are not reached with public in net through the network wall", async function () {
    const got = await outcome(["public"], "auto", true);
    if (got === "no network wall") notTried(this, "this machine has no network wall");
    assert.match(got, /^ConnectionRefused: /);
  });
});
