import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

/** The function that mixed calls go to, as source. What it does by path is what `KINDS` expects. */
export const MIXED_SOURCE = `
  export default async (request) => {
    const { pathname } = new URL(request.url);
    if (request.headers.get("upgrade") === "websocket") {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(data);
      return response;
    }
    if (pathname === "/hang") await new Promise((gone) => request.signal.addEventListener("abort", gone));
    if (pathname === "/throw") throw new Error("on purpose");
    if (pathname === "/stream") {
      let timer;
      return new Response(new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array([120]));
          timer = setInterval(() => controller.enqueue(new Uint8Array([120])), 5);
        },
        cancel: () => clearInterval(timer),
      }));
    }
    if (request.method === "POST") return String((await request.arrayBuffer()).byteLength);
    return "hi";
  };`;

export interface MixedTarget {
  /** Of the server, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** Of the function. Another one, NAME-late, has the same source and a short `timeout`. */
  readonly name: string;
  readonly agent: http.Agent;
}

type Kind = (target: MixedTarget) => Promise<void>;

const UPLOAD = Buffer.alloc(40_000, "x");

/** What happens to calls, each as often as it is listed. Every one checks its own outcome. */
const KINDS: readonly Kind[] = [
  ...Array.from({ length: 12 }, () => (target: MixedTarget) => answered(target, "", { expected: [200] })),
  (target) => answered(target, "/upload", { expected: [200], upload: [UPLOAD] }),
  (target) => answered(target, "/upload", { expected: [200], upload: [UPLOAD, UPLOAD] }),
  (target) => answered(target, "/throw", { expected: [500] }),
  (target) => answered({ ...target, name: `${target.name}-late` }, "/hang", { expected: [504] }),
  (target) => answered({ ...target, name: "nobody" }, "", { expected: [404] }),
  (target) => malformed(target, "GET /fn/x HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n"),
  (target) =>
    malformed(target, "POST /fn/x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
  (target) => aborted(target, "/hang", Buffer.alloc(0)),
  (target) => aborted(target, "/upload", UPLOAD.subarray(0, 5_000)),
  streamed,
  webSocket,
];

/** Makes `count` calls, `parallel` at a time. */
export async function makeMixedCalls(target: Omit<MixedTarget, "agent">, count: number, parallel: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: parallel });
  let next = 0;
  const client = async () => {
    while (next < count) await KINDS[next++ % KINDS.length]!({ ...target, agent });
  };
  await Promise.all(Array.from({ length: parallel }, client));
  agent.destroy();
}

interface Expectation {
  readonly expected: readonly number[];
  readonly upload?: readonly Buffer[];
}

async function answered({ url, name, agent }: MixedTarget, path: string, { expected, upload }: Expectation) {
  const request = http.request(`${url}/fn/${name}${path}`, { agent, method: upload ? "POST" : "GET" });
  for (const part of upload ?? []) request.write(part);
  request.end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  let text = "";
  for await (const chunk of response) text += chunk;
  assert.ok(expected.includes(response.statusCode!), `${path}: ${response.statusCode} ${text}`);
}

async function malformed({ url }: MixedTarget, bytes: string): Promise<void> {
  const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(bytes);
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 400 /);
  socket.destroy();
}

/** Leaves in the middle: of the wait for the response, or of the upload. */
async function aborted({ url, name }: MixedTarget, path: string, part: Buffer): Promise<void> {
  const socket = net.connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
  const length = part.length === 0 ? 0 : 2 * part.length;
  const head = `POST /fn/${name}${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`;
  await new Promise((resolve) => socket.write(Buffer.concat([Buffer.from(head), part]), resolve));
  await new Promise((resolve) => setTimeout(resolve, 2));
  socket.destroy();
}

/** Leaves while events come. */
async function streamed({ url, name }: MixedTarget): Promise<void> {
  const request = http.get(`${url}/fn/${name}/stream`, { agent: false });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.on("error", () => {});
  await once(response, "data");
  response.destroy();
}

async function webSocket({ url, name }: MixedTarget): Promise<void> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/fn/${name}/socket`);
  await once(socket, "open");
  socket.send("hi");
  const [{ data }] = (await once(socket, "message")) as [MessageEvent<string>];
  assert.equal(data, "hi");
  socket.close();
  await once(socket, "close");
}
