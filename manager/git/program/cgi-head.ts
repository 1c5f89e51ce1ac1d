import type { Readable } from "node:stream";

/** The head of the answer of a CGI program (RFC 3875, section 6). */
export interface CgiHead {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

const MOST_BYTES = 16 * 1024;

/**
 * Reads the head. The stream then continues with the body.
 * @throws Error if there is none
 */
export async function readCgiHead(output: Readable): Promise<CgiHead> {
  let head = Buffer.alloc(0);
  for (;;) {
    const chunk: Buffer | null = output.read();
    if (chunk === null) {
      if (output.readableEnded) throw new Error("git http-backend ended without an answer");
      await readableOrEnd(output);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = /\r?\n\r?\n/.exec(head.toString("latin1"));
    if (end) {
      output.unshift(head.subarray(end.index + end[0].length));
      return parsed(head.toString("latin1", 0, end.index));
    }
    if (head.length > MOST_BYTES) throw new Error("git http-backend answered with too long a head");
  }
}

function readableOrEnd(output: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      output.off("readable", settle).off("end", settle).off("error", settle);
      if (error) reject(error);
      else resolve();
    };
    output.once("readable", settle).once("end", settle).once("error", settle);
  });
}

function parsed(text: string): CgiHead {
  const fields = text.split(/\r?\n/).flatMap((line) => {
    const [, name, value] = /^([-A-Za-z0-9]+):\s*(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name.toLowerCase(), value!] as const];
  });
  const status = Number(/^\d{3}/.exec(fields.find(([name]) => name === "status")?.[1] ?? "200")?.[0]);
  return { status, fields: fields.filter(([name]) => name !== "status") };
}
