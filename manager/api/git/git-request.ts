/** Requests of git itself, whose client shows what a text says and asks for a password where it is challenged. */

import { SEND_TOKEN } from "../../../http/access/credentials.ts";
import type { Problem } from "../../../platform/problems.ts";

const GIT_PATH = /^\/git\/[^/]+\/(?:info\/refs|git-upload-pack|git-receive-pack)$/;

/** Challenges git to send a key as the password (RFC 7617). */
export const GIT_CHALLENGE = 'Basic realm="skiff: a key as the password", charset="UTF-8"';

export function isGitPath(path: string): boolean {
  return GIT_PATH.test(path);
}

/** Returns what a person without a valid key reads, whom git asks for a password. */
export function gitAdvice(detail: string, { path, querystring }: GitRequest): string {
  const isPush = `${path}?${querystring}`.includes("git-receive-pack");
  return detail.replace(
    SEND_TOKEN,
    `enter a key with the scope ${isPush ? "deploy" : "read"} as the password`,
  );
}

interface GitRequest {
  readonly path: string;
  readonly querystring: string;
}

/**
 * Returns an error as an answer of git's protocol, whose client ignores the text of other answers to its second request
 * (gitprotocol-pack(5), gitprotocol-v2(5)); undefined if the client reads a plain text.
 */
export function gitError(
  path: string,
  { status, detail }: Pick<Problem, "status" | "detail">,
): Packet | undefined {
  // Git asks for a password, or shows what else is wrong with it.
  if (status === 401 || status === 403) return undefined;
  if (path.endsWith("/git-upload-pack"))
    return { type: "application/x-git-upload-pack-result", body: packet(`ERR ${detail}\n`) };
  if (!path.endsWith("/git-receive-pack")) return undefined;
  // The bands of progress and of an error that ends the push.
  const lines = detail.split("\n").map((line) => packet(`\x02${line}\n`));
  return {
    type: "application/x-git-receive-pack-result",
    body: `${lines.join("")}${packet("\x03push refused\n")}`,
  };
}

interface Packet {
  readonly type: string;
  readonly body: string;
}

/** Most bytes of a packet, without its length. Fits a packet of `side-band`, at most 1,000 bytes. */
const MOST_BYTES = 990;

function packet(text: string): string {
  // A character that the cut divides becomes U+FFFD, which has another length.
  const sent = Buffer.from(text).subarray(0, MOST_BYTES).toString();
  const length = (Buffer.byteLength(sent) + 4).toString(16).padStart(4, "0");
  return `${length}${sent}`;
}
