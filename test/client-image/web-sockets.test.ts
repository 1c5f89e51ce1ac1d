import assert from "node:assert/strict";
import { closeOf, nextMessage, openSocket } from "../support/instances/instance-socket.ts";
import { publish } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

const ECHO = `
  export default (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send("echo " + data);
    socket.onclose = ({ code }) => console.log("closed with", code);
    return response;
  };`;

describe("a WebSocket of a function", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  it("carries messages both ways until the client closes it", async () => {
    const { address } = await local.run(ECHO);
    const socket = await openSocket(address);
    for (const text of ["one", "two"]) {
      const message = nextMessage(socket);
      socket.send(text);
      assert.equal(await message, `echo ${text}`);
    }
    socket.close(1000);
    await local.logged("closed with 1000");
  });

  for (const [what, change] of Object.entries({
    "a new version takes over": (name: string) =>
      publish(local.platform, draftOf(name, `export default () => "new";`)),
    "the function is removed": (name: string) => local.platform.remove(name),
  })) {
    it(`is closed with 1001, going away, when ${what}`, async () => {
      const name = what.replaceAll(" ", "-");
      const { address } = await local.publish(draftOf(name, ECHO));
      const socket = await openSocket(address);
      const closed = closeOf(socket);
      await change(name);
      assert.equal((await closed).code, 1001);
    });
  }
});
