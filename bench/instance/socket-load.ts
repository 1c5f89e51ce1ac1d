/**
 * Keep-alive requests to a Unix socket, in a process of its own: `socket-load.ts SOCKET CONNECTIONS MS`. Reads the
 * request from standard input and prints the number of calls. Fails on any answer but 200 with the body `hi`.
 */
import { createConnection } from "node:net";
import { buffer } from "node:stream/consumers";

const HEAD_END = "\r\n\r\n";

/** Sends requests on one connection until `endMs`. Returns the number of answers. */
function client(path: string, request: Buffer, endMs: number): Promise<number> {
  const socket = createConnection({ path });
  return new Promise<number>((resolve, reject) => {
    let calls = 0;
    let text = "";
    socket.on("error", reject);
    socket.on("end", () => reject(new Error(`the connection ended after ${calls} calls: ${text}`)));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const head = text.indexOf(HEAD_END);
      if (head < 0 || text.length < head + HEAD_END.length + 2) return;
      if (!text.startsWith("HTTP/1.1 200 ") || !text.endsWith(`${HEAD_END}hi`)) {
        reject(new Error(`wrong answer: ${text}`));
        return;
      }
      calls++;
      text = "";
      if (performance.now() < endMs) socket.write(request);
      else resolve(calls);
    });
    socket.write(request);
  }).finally(() => socket.destroy());
}

const [path = "", connections, timeMs] = process.argv.slice(2);
const request = await buffer(process.stdin);
const endMs = performance.now() + Number(timeMs);
const clients = Array.from({ length: Number(connections) }, () => client(path, request, endMs));
console.log((await Promise.all(clients)).reduce((sum, each) => sum + each, 0));
