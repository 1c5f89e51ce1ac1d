/**
 * Keep-alive requests to a Unix socket, in a process of its own: `socket-load.ts SOCKET CONNECTIONS MS`. Reads
 * `{requests, answer}` from standard input, sends the requests in turn, and prints the number of calls. Fails on any
 * answer but 200 with a body of `answer` bytes.
 */
import { createConnection } from "node:net";
import { text } from "node:stream/consumers";

const HEAD_END = "\r\n\r\n";
const LAST_CHUNK = "\r\n0\r\n\r\n";
/** Longest head, and the framing of all chunks. */
const MOST_FRAMING = 4_096;

interface Input {
  readonly requests: readonly string[];
  readonly answer: number;
}

/** Returns whether all of an answer is here. @throws Error if it is wrong */
function isWhole(parts: readonly Buffer[], answer: number): boolean {
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  if (bytes < answer) return false;
  const all = Buffer.concat(parts);
  const headEnd = all.indexOf(HEAD_END) + HEAD_END.length;
  const head = all.toString("latin1", 0, headEnd);
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
  const isRight = head.startsWith("HTTP/1.1 200 ") && bytes <= answer + MOST_FRAMING;
  if (!isRight || (length !== undefined && Number(length) !== answer))
    throw new Error(`wrong answer: ${head}`);
  return length === undefined
    ? all.subarray(-LAST_CHUNK.length).equals(Buffer.from(LAST_CHUNK))
    : bytes >= headEnd + answer;
}

/** Sends requests on one connection until `endMs`. Returns the number of answers. */
function client(path: string, { requests, answer }: Input, endMs: number): Promise<number> {
  const socket = createConnection({ path });
  const sent = requests.map((request) => Buffer.from(request));
  return new Promise<number>((resolve, reject) => {
    let calls = 0;
    let parts: Buffer[] = [];
    socket.on("error", reject);
    socket.on("end", () => reject(new Error(`the connection ended after ${calls} calls`)));
    socket.on("data", (part) => {
      parts.push(part);
      try {
        if (!isWhole(parts, answer)) return;
      } catch (error) {
        return reject(error);
      }
      calls++;
      parts = [];
      if (performance.now() < endMs) socket.write(sent[calls % sent.length]!);
      else resolve(calls);
    });
    socket.write(sent[0]!);
  }).finally(() => socket.destroy());
}

const [path = "", connections, timeMs] = process.argv.slice(2);
const input = JSON.parse(await text(process.stdin)) as Input;
const endMs = performance.now() + Number(timeMs);
const clients = Array.from({ length: Number(connections) }, () => client(path, input, endMs));
console.log((await Promise.all(clients)).reduce((sum, each) => sum + each, 0));
