import net from "node:net";
import { until } from "./harness.ts";

/** A field that leaves a request to Node's server, because its value can be read in two ways. */
export const NODES_OWN = "X-Padded:  1\r\n";

/** A connection on which a test writes bytes as they are, and sees every answer that comes back. */
export class RawConnection {
  /** Everything that came, as Latin-1. */
  text = "";
  isClosed = false;
  readonly #socket: net.Socket;

  constructor(port: number) {
    this.#socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (chunk) => {
      this.text += chunk;
    });
    this.#socket.on("error", () => {});
    this.#socket.once("end", () => this.#socket.end());
    this.#socket.once("close", () => {
      this.isClosed = true;
    });
  }

  write(bytes: string): void {
    this.#socket.write(bytes, "latin1");
  }

  /** Each whole answer so far: its status, and the code of the problem if it is one. */
  answers(): string[] {
    return parseAnswers(this.text);
  }

  /** Waits until there are so many answers, or until the server has ended the connection. */
  async answered(count: number): Promise<void> {
    const enough = () => this.isClosed || this.answers().length >= count;
    await until(enough, `${count} answers, after ${JSON.stringify(this.text)}`);
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed, `the end of the connection, after ${JSON.stringify(this.text)}`);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Answers with a Content-Length or without a body; the rest stays unread. Throws on anything else. */
function parseAnswers(text: string): string[] {
  const answers: string[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) return answers;
    const head = rest.slice(0, end);
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
    if (status === undefined) throw new Error(`no answer: ${JSON.stringify(rest)}`);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) return answers;
    const code = /"code":"(\w+)"/.exec(body)?.[1];
    answers.push(code === undefined ? status : `${status} ${code}`);
    rest = rest.slice(end + 4 + length);
  }
}
