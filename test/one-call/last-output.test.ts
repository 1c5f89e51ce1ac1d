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
  process.exit(0);
});
`;

describe("a program that serves one call", () => {
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
