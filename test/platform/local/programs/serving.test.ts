import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { notTried } from "../../../support/not-tried.ts";
import { programDraft } from "../../../support/packed-program.ts";
import { instancesOf, publish } from "../../../support/platform/deploying.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

const SERVES = { program: { mode: "serve" } } as const;

/** A server on `where`, an expression, that answers with `answer`, another one. */
const serverOn = (where: string, answer: string) => `#!/usr/bin/env node
require("node:http").createServer(async (request, response) => {
  if (request.url === "/exit") process.exit(7);
  if (request.url === "/.well-known/skiff-probe") return response.writeHead(404).end();
  response.end(String(${answer}));
}).listen(${where});
`;

describe("a program that serves, in its sandbox", () => {
  let local: TemporaryLocalPlatform;
  before(async function () {
    needsWall(this, "bwrap");
    local = await TemporaryLocalPlatform.open({ walledNetwork: true });
  });
  after(() => local?.close());

  it("is reached on $PORT, whatever it answers to a probe", async () => {
    await publish(
      local.platform,
      programDraft("port", serverOn("process.env.PORT", "request.url"), { settings: SERVES }),
    );
    assert.equal((await call(local.instance("port").address, { path: "/a?b" })).text, "/a?b");
  });

  it("is reached on $SOCKET, without its host between", async () => {
    const script = serverOn("process.env.SOCKET", '"from " + process.env.SOCKET');
    await publish(local.platform, programDraft("socket", script, { settings: SERVES }));
    const { text, headers } = await call(local.instance("socket").address);
    assert.equal(text, "from /work/sock");
    assert.equal(headers["x-skiff-version"], undefined);
  });

  it("is started again when it exits, and its code is in the log", async () => {
    const script = serverOn("process.env.PORT", "process.pid");
    await publish(local.platform, programDraft("exits", script, { settings: { ...SERVES, min: 1 } }));
    const { id, address } = local.instance("exits");
    await assert.rejects(call(address, { path: "/exit" }));
    await local.logged("The program exited with code 7.");
    await eventually("another one is ready", () => {
      const [instance] = instancesOf(local.platform, "exits");
      return instance !== undefined && instance.id !== id;
    });
    assert.equal((await call(local.instance("exits").address)).status, 200);
  });

  it("fails a deploy that names what it lacks if it does not listen", async () => {
    const draft = programDraft("silent", "#!/bin/sh\necho nothing to do\n", { settings: SERVES });
    await assert.rejects(publish(local.platform, draft), {
      code: "start_failed",
      detail:
        /^The new version exited with code 0\. .*nothing to do\nThe program exited with code 0\. It had not listened on \$PORT or \$SOCKET/s,
    });
    const failing = programDraft("silent", "#!/bin/sh\nexit 5\n", { settings: SERVES });
    await assert.rejects(publish(local.platform, failing), {
      detail:
        /^The new version exited with code 5\. .*\nThe program exited with code 5\. It had not listened/s,
    });
  });

  it("fails a deploy that says so if it listens somewhere else", async () => {
    const impatient = await TemporaryLocalPlatform.open({ limits: { startMs: 1_500 } });
    try {
      const draft = programDraft("elsewhere", serverOn("0", "1"), { settings: SERVES });
      await assert.rejects(publish(impatient.platform, draft), {
        code: "start_failed",
        detail:
          /not ready within 1.5 s \(limit SKIFF_START_TIMEOUT\): it did not listen on \$PORT or \$SOCKET\./,
      });
    } finally {
      await impatient.close();
    }
  });

  it("is not said to be killed if its own code is that of a signal", async () => {
    const script = serverOn("process.env.PORT", "process.exit(137)");
    await publish(local.platform, programDraft("own", script, { settings: SERVES }));
    await assert.rejects(call(local.instance("own").address));
    await local.logged("exited with code 137, its own or that of SIGKILL");
  });

  describe("with rules for the network", () => {
    let server: Server;
    let port: number;
    before(async function () {
      const network = await local.platform.describeNetwork();
      if (!network.startsWith("network namespaces")) notTried(this, network);
      server = createServer((_, response) => response.end("of the machine"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      port = (server.address() as { port: number }).port;
    });
    after(() => server?.close());

    it("has its loopback for itself, and what the rules open", async () => {
      const net = [`127.0.0.1:${port}`];
      const settings = { ...SERVES, permissions: { net, sys: [] } };
      const script = serverOn("process.env.PORT", `await ${ask(port)}`);
      // Both could have the same port.
      await publish(local.platform, programDraft("first", script, { settings }));
      await publish(local.platform, programDraft("second", script, { settings }));
      for (const name of ["first", "second"]) {
        assert.equal((await call(local.instance(name).address)).text, "of the machine");
      }
    });

    it("reaches nothing else of the machine", async () => {
      const settings = { ...SERVES, permissions: { net: ["public"], sys: [] } };
      await publish(
        local.platform,
        programDraft("third", serverOn("process.env.PORT", `await ${ask(port)}`), { settings }),
      );
      assert.equal((await call(local.instance("third").address)).text, "ECONNREFUSED");
    });
  });
});

const ask = (port: number) =>
  `fetch("http://127.0.0.1:${port}").then((answer) => answer.text(), (error) => error.cause.code)`;
