import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { WebSocket } from "undici";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const CODE = `
  let served = 0;
  export default async (request, context) => {
    const { pathname, searchParams } = new URL(request.url);
    served++;
    if (pathname === "/ws") {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(served + " " + data);
      return response;
    }
    if (pathname === "/stream") {
      const parts = ["one ", "two ", "three"];
      return new Response(new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          const part = parts.shift();
          if (part === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(part));
        },
      }));
    }
    if (pathname === "/endless") {
      return new Response(new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          controller.enqueue(new TextEncoder().encode("tick "));
        },
      }));
    }
    if (pathname === "/hang") await new Promise(() => {});
    if (pathname === "/spin") for (;;);
    if (pathname === "/later") {
      context.waitUntil(new Promise((resolve) => setTimeout(resolve, 300)).then(() => console.log("later is done")));
    }
    if (pathname === "/exit") Deno.exit(Number(searchParams.get("code")));
    if (pathname === "/throw") throw new Error("as asked");
    return "call " + served;
  };
`;

describe("the end of an instance with one call in its life", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    for (const [name, settings] of [
      ["ends", ""],
      ["late", "&timeout=500ms"],
    ] as const) {
      const { status, body } = await skiff.deploy(name, CODE, `isolation=call&pool=1${settings}`);
      assert.equal(status, 201, JSON.stringify(body));
    }
  });
  after(() => skiff.close());

  const describeFunction = async (name = "ends") => {
    const response = await fetch(`${skiff.url}/func/${name}`);
    return (await response.json()) as { instances: { state: string }[]; lastErrors: unknown[] };
  };
  /** Nothing is left of the call: unused instances wait. More than one if the call came before that of the pool was ready. */
  const isOver = (name?: string) =>
    eventually("the instance of the call is gone", async () => {
      const { instances } = await describeFunction(name);
      return instances.length > 0 && instances.every(({ state }) => state === "ready");
    });
  const open = async (path: string): Promise<IncomingMessage> => {
    const [response] = await once(request(`${skiff.url}/fn/ends${path}`).end(), "response");
    return response;
  };

  it("comes after a stream was delivered", async () => {
    const response = await fetch(`${skiff.url}/fn/ends/stream`);
    assert.equal(await response.text(), "one two three");
    await isOver();
  });

  it("comes when the client of a stream leaves", async () => {
    const response = await open("/endless");
    await once(response, "data");
    response.destroy();
    await isOver();
  });

  it("comes when the client leaves before the response", async () => {
    const leaving = request(`${skiff.url}/fn/ends/hang`);
    leaving.on("error", () => {});
    leaving.end();
    await eventually("the call runs", async () => {
      return (await describeFunction()).instances.some(({ state }) => state === "spent");
    });
    leaving.destroy();
    await isOver();
  });

  it("comes after a WebSocket, which is the call", async () => {
    const socket = new WebSocket(`${skiff.url.replace("http", "ws")}/fn/ends/ws`);
    await once(socket, "open");
    for (const text of ["a", "b"]) {
      socket.send(text);
      const [{ data }] = (await once(socket, "message")) as [{ data: string }];
      assert.equal(data, `1 ${text}`);
    }
    assert.equal(await (await fetch(`${skiff.url}/fn/ends`)).text(), "call 1");
    socket.close();
    await once(socket, "close");
    await isOver();
  });

  for (const path of ["/hang", "/spin"]) {
    it(`comes after the timeout of a call of ${path}`, async () => {
      const response = await fetch(`${skiff.url}/fn/late${path}`);
      assert.equal(response.status, 504);
      await isOver("late");
    });
  }

  it("waits for waitUntil", async () => {
    assert.equal(await (await fetch(`${skiff.url}/fn/ends/later`)).text(), "call 1");
    await isOver();
    assert.match(await (await fetch(`${skiff.url}/func/ends/logs?tail=20`)).text(), /later is done/);
  });

  it("lets its call finish when another version takes the calls", async () => {
    const response = await open("/endless");
    const again = await skiff.deploy("ends", `${CODE}// again`, "isolation=call");
    assert.equal(again.status, 200, JSON.stringify(again.body));
    assert.equal(await (await fetch(`${skiff.url}/fn/ends`)).text(), "call 1");
    await once(response, "data");
    await once(response, "data");
    response.destroy();
    await isOver();
  });

  it("is no failure of the version, whatever its code", async () => {
    for (const code of [0, 3, 0, 3]) {
      const response = await fetch(`${skiff.url}/fn/ends/exit?code=${code}`);
      assert.equal(response.status, 502);
    }
    assert.equal((await fetch(`${skiff.url}/fn/ends/throw`)).status, 500);
    assert.equal(await (await fetch(`${skiff.url}/fn/ends`)).text(), "call 1");
    await isOver();
    assert.match(await (await fetch(`${skiff.url}/func/ends/logs?tail=20`)).text(), /exited with code 3/);
    const { lastErrors } = await describeFunction();
    assert.match(JSON.stringify(lastErrors), /exited with code 3/);
  });
});
