import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends bytes as they are and reads the first answer; the connection is closed afterwards. */
export function rawRequest(port: number, bytes: string | Uint8Array, withinMs = 30_000): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    const deadline = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${withinMs} ms: ${Buffer.concat(chunks).toString("latin1")}`));
    }, withinMs);
    const finish = (closed: boolean) => {
      const answer = parseAnswer(Buffer.concat(chunks).toString("utf8"), closed);
      if (!answer && !closed) return;
      clearTimeout(deadline);
      socket.destroy();
      if (answer) resolve(answer);
      else reject(new Error("the connection was closed without an answer"));
    };
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      finish(false);
    });
    socket.on("close", () => finish(true));
    // A server that refuses early may reset the connection; what it answered before counts.
    socket.on("error", () => {});
    socket.write(bytes);
  });
}

/** Undefined as long as the answer is not whole. */
function parseAnswer(text: string, closed: boolean): RawAnswer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
  });
  const headers = new Map(fields);
  const body = text.slice(end + 4);
  const length = Number(headers.get("content-length") ?? Number.NaN);
  const whole = Number.isNaN(length) ? body.endsWith("0\r\n\r\n") : Buffer.byteLength(body) >= length;
  if (!whole && !closed) return undefined;
  return { status: Number(statusLine.split(" ")[1]), headers, body };
}
