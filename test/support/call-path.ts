import { once } from "node:events";
import { Session } from "node:inspector/promises";
import net from "node:net";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Harness } from "../router/support/harness.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Programs of Skiff that a call may pass; the platform of this measurement is a fake. */
const OURS = /^(router|http|platform|process|metrics)\//;
const WARM_CALLS = 20;

/** The files of which a function runs during one warm call, in alphabetical order. */
export async function filesOfCall(method: "GET" | "POST"): Promise<string[]> {
  const harness = await Harness.start();
  const session = new Session();
  try {
    // A body that is there at once, as most are, and a response of a length that is known.
    await harness.serve((request, response) => {
      // A head with another date would be parsed again.
      response.setHeader("date", "Sun, 06 Nov 1994 08:49:37 GMT");
      request.resume();
      request.on("end", () => response.setHeader("content-length", 2).end("hi"));
    });
    const connection = new Connection(harness.port, method);
    for (let i = 0; i < WARM_CALLS; i++) await connection.call();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    // What ran until now is not part of the call.
    await session.post("Profiler.takePreciseCoverage");
    await connection.call();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    connection.close();
    const ran = result.filter(({ functions }) =>
      functions.some(
        ({ functionName, ranges }) => functionName !== "" && ranges.some(({ count }) => count > 0),
      ),
    );
    const files = ran.filter(({ url }) => url.startsWith("file:")).map(({ url }) => fileURLToPath(url));
    return files
      .map((file) => relative(ROOT, file))
      .filter((file) => OURS.test(file))
      .sort();
  } finally {
    session.disconnect();
    await harness.close();
  }
}

/** A client that keeps its connection. */
class Connection {
  readonly #socket: net.Socket;
  readonly #request: string;

  constructor(port: number, method: string) {
    this.#socket = net.connect(port, "127.0.0.1");
    const body = method === "POST" ? '{"a": 1}' : "";
    const framing = method === "POST" ? `Content-Length: ${body.length}\r\n` : "";
    this.#request = `${method} /fn/echo/a HTTP/1.1\r\nHost: h\r\n${framing}\r\n${body}`;
  }

  async call(): Promise<void> {
    this.#socket.write(this.#request);
    let answer = "";
    while (!answer.endsWith("\r\n\r\nhi")) answer += String((await once(this.#socket, "data"))[0]);
  }

  close(): void {
    this.#socket.destroy();
  }
}
