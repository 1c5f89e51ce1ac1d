import { createHash } from "node:crypto";

/** One command of a push: a ref, and how it moves. */
export type RawCommand = readonly [from: string, to: string, ref: string];

export interface RawPush {
  readonly commands: readonly RawCommand[];
  readonly options?: readonly string[];
  /** By default one without objects. */
  readonly pack?: Uint8Array;
}

const PUSH_TYPE = "application/x-git-receive-pack-request";
const CAPABILITIES = "report-status side-band-64k push-options agent=raw";
const FLUSH = Buffer.from("0000");

/** Sends a push without git (gitprotocol-pack(5)), so that it may be as git never sends it. Returns all that is answered. */
export async function sendPush(repositoryUrl: string, push: RawPush): Promise<string> {
  const { commands, options = [], pack = emptyPack() } = push;
  const lines = commands.map((command, at) =>
    packet(`${command.join(" ")}${at === 0 ? `\0 ${CAPABILITIES}` : ""}`),
  );
  const body = Buffer.concat([...lines, FLUSH, ...options.map(packet), FLUSH, pack]);
  const response = await fetch(`${repositoryUrl}/git-receive-pack`, {
    method: "POST",
    headers: { "content-type": PUSH_TYPE },
    body,
  });
  return textOf(Buffer.from(await response.arrayBuffer()));
}

function packet(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes]);
}

/** Joins the packets of an answer; one that is none stays as it is. */
function textOf(answer: Buffer): string {
  let text = "";
  for (let at = 0; at < answer.length; ) {
    const bytes = Number.parseInt(answer.subarray(at, at + 4).toString(), 16);
    if (Number.isNaN(bytes)) return text + answer.subarray(at).toString();
    // The first byte is the number of the band.
    if (bytes > 4) text += answer.subarray(at + 5, at + bytes).toString();
    at += Math.max(bytes, 4);
  }
  return text;
}

function emptyPack(): Buffer {
  const head = Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1");
  return Buffer.concat([head, createHash("sha1").update(head).digest()]);
}
