import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/instances/call-instance.ts";
import { StartedHost } from "../support/programs/started-host.ts";

const SERVER = `
import { createServer } from "node:http";
createServer((request, response) => {
  response.end("hi", () => {
    console.log("sent " + request.url);
    console.error("done " + request.url);
  });
}).listen(process.env.PORT);
process.on("SIGTERM", () => {
  console.log("farewell");
  if (process.env.STAYS === undefined) process.exit(0);
});
`;

describe("a program that serves one call", () => {
  it("is killed soon after the call if it does not end when it is asked to", async () => {
    const host = await StartedHost.start(
      {
        host: { mode: "serve", command: [process.execPath, "./main.mjs"], port: 0 },
        ...{ isOnce: true, env: ["STAYS"], variables: { STAYS: "1" } },
      },
      { "main.mjs": SERVER },
    );
    try {
      await call(host.address, { path: "/a", headers: { connection: "close", "x-skiff-call-id": "one" } });
      await eventually("the host has ended", () => host.hasEnded);
      assert.equal(host.child.exitCode, 0);
      assert.ok(host.log.includes("farewell"));
    } finally {
      await host.close();
    }
  });

  it("has its last output in the log, and may end by itself", async () => {
    for (let round = 0; round < 4; round++) {
      const host = await StartedHost.start(
        { host: { mode: "serve", command: [process.execPath, "./main.mjs"], port: 0 }, isOnce: true },
        { "main.mjs": SERVER },
      );
      try {
        const headers = { connection: "close", "x-skiff-call-id": "one" };
        assert.equal((await call(host.address, { path: "/a", headers })).text, "hi");
        await eventually("the host has ended", () => host.hasEnded);
        const expected = ["done /a", "farewell", "sent /a"];
        await eventually("its output is there", () => host.log.length >= expected.length);
        assert.deepEqual(host.log.toSorted(), expected);
      } finally {
        await host.close();
      }
    }
  });
});
