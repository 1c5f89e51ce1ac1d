import assert from "node:assert/strict";
import { once } from "node:events";
import { eventually } from "./support/eventually.ts";
import { answering } from "./support/platform/draft.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

/** A WebSocket that says which instance it is on, and events for as long as the client listens. */
const STREAMS = `
  const me = crypto.randomUUID();
  export default (request) => {
    if (request.headers.get("upgrade") === "websocket") {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = () => socket.send(me);
      return response;
    }
    let timer;
    const body = new ReadableStream({
      start(controller) {
        timer = setInterval(() => controller.enqueue(new TextEncoder().encode("data: " + me + "\\n\\n")), 20);
      },
      cancel: () => clearInterval(timer),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };`;

describe("a stream that lasts", () => {
  let skiff: StartedSkiff;
  afterEach(() => skiff.close());

  async function start(settings: string, streamIdle = "1m"): Promise<void> {
    skiff = await startedSkiff({ env: { SKIFF_STREAM_IDLE: streamIdle, SKIFF_DRAIN: "300ms" } });
    assert.equal((await skiff.deploy("streams", STREAMS, settings)).status, 201);
  }

  async function socketTo(name: string): Promise<WebSocket> {
    const socket = new WebSocket(`${skiff.url.replace("http", "ws")}/fn/${name}`);
    await once(socket, "open");
    return socket;
  }

  async function askedOn(socket: WebSocket): Promise<string> {
    socket.send("who?");
    const [{ data }] = (await once(socket, "message")) as [MessageEvent<string>];
    return data;
  }

  /** Reads events; gives what came and how it ended. */
  async function events(): Promise<{ seen: string[]; ended: Promise<"clean" | "broken"> }> {
    const { body } = await fetch(`${skiff.url}/fn/streams`);
    const seen: string[] = [];
    const ended = (async () => {
      try {
        for await (const chunk of body!) seen.push(Buffer.from(chunk).toString());
        return "clean";
      } catch {
        return "broken";
      }
    })();
    await eventually("the first event", () => seen.length > 0);
    return { seen, ended };
  }

  async function instances(name: string): Promise<number> {
    const described = (await (await fetch(`${skiff.url}/func/${name}`)).json()) as { instances: unknown[] };
    return described.instances.length;
  }

  for (const kind of ["WebSocket", "stream of events"]) {
    it(`(${kind}) keeps its function from idling, also while others stop`, async () => {
      await start("idle=200ms");
      await skiff.deploy("other", answering("hi"), "idle=200ms");
      const socket = kind === "WebSocket" ? await socketTo("streams") : undefined;
      const stream = kind === "WebSocket" ? undefined : await events();
      const first = socket === undefined ? "" : await askedOn(socket);
      assert.equal((await fetch(`${skiff.url}/fn/other`)).status, 200);
      await eventually("the other function stops", async () => (await instances("other")) === 0);
      assert.equal(await instances("streams"), 1);
      if (socket !== undefined) assert.equal(await askedOn(socket), first);
      if (stream !== undefined)
        assert.equal(
          new Set(
            stream.seen
              .join("")
              .trim()
              .split(/\s+data: |data: /),
          ).size,
          2,
        );
      socket?.close();
    });
  }

  it("(WebSocket) is closed with 1001 when its function is deployed anew, and finds the new version", async () => {
    await start("idle=1h");
    const socket = await socketTo("streams");
    const first = await askedOn(socket);
    const closed = once(socket, "close") as Promise<[CloseEvent]>;
    await skiff.deploy("streams", `${STREAMS}\n// anew`);
    assert.equal((await closed)[0].code, 1001);
    const next = await socketTo("streams");
    assert.notEqual(await askedOn(next), first);
    next.close();
  });

  it("(stream of events) goes on when its function is deployed anew, and ends cleanly when its time is over", async () => {
    await start("idle=1h&timeout=100ms", "2s");
    const { seen, ended } = await events();
    await skiff.deploy("streams", answering("new"));
    const before = seen.length;
    await eventually("more events", () => seen.length > before);
    assert.equal(await ended, "clean");
  });

  it("is closed cleanly when Skiff stops: a WebSocket with 1001, a stream of events with its end", async () => {
    await start("idle=1h");
    const socket = await socketTo("streams");
    const closed = once(socket, "close") as Promise<[CloseEvent]>;
    const { ended } = await events();
    await skiff.close();
    const [{ code, wasClean }] = await closed;
    assert.deepEqual([code, wasClean, await ended], [1001, true, "clean"]);
  });
});
