import { Problem } from "../../../platform/problems.ts";
import { formatBytes, formatMs } from "../../../platform/quantity.ts";
import { printable } from "../../../process/printable.ts";
import { GitFailed } from "../program/git.ts";

export interface FailureContext {
  readonly url: string;
  /** The branch there. */
  readonly branch: string;
  readonly secret?: string | undefined;
  readonly timeoutMs: number;
  readonly mostBytes: number;
}

const LINE_CHARACTERS = 300;
const UNPACKING = /invalid index-pack output/;

/** Turns a failed fetch or push into a Problem that says what to do. Errors that are not from git stay as they are. */
export function toMirrorProblem(error: unknown, context: FailureContext): unknown {
  const { url, timeoutMs } = context;
  if (error instanceof DOMException && error.name === "TimeoutError") {
    const detail = `${url} took longer than ${formatMs(timeoutMs)} (SKIFF_GIT_TIMEOUT).`;
    return new Problem("mirror_failed", detail, { setting: "SKIFF_GIT_TIMEOUT" });
  }
  if (!(error instanceof GitFailed)) return error;
  return new Problem("mirror_failed", detailOf(error.stderr, context));
}

function detailOf(stderr: string, { url, branch, secret, mostBytes }: FailureContext): string {
  const status = /returned error: (\d{3})/.exec(stderr)?.[1];
  if (status?.startsWith("3") || /unable to update url base from redirection/.test(stderr)) {
    return `${url} leads to another address${status ? ` (${status})` : ""}, and redirects are not followed: use the address it leads to.`;
  }
  if (/could not read (Username|Password)|Authentication failed/.test(stderr) || status === "401") {
    return secret === undefined
      ? `${url} asks for a password: put a token into a secret, and name it in secret.`
      : `${url} refuses what the secret "${secret}" has: store a valid token, or user:password.`;
  }
  if (status === "403") {
    return `${url} answers 403: ${secret === undefined ? "it needs a secret with a token" : `the token in the secret "${secret}" may not do this`}.`;
  }
  if (status === "404" || /repository '.*' not found/.test(stderr)) {
    const hint = secret === undefined ? ", or is private: name a secret with a token" : "";
    return `There is no repository at ${url}${hint}.`;
  }
  if (/couldn't find remote ref/.test(stderr)) return `There is no branch "${branch}" at ${url}.`;
  if (/\[rejected\]/.test(stderr)) {
    return `${branch} at ${url} has commits of its own: fetch them, merge them into what is deployed and push that to Skiff, or make ${url} what is pulled from.`;
  }
  const reason = reasonOf(stderr);
  // A program of git that writes a larger file is ended by a signal, of which git says nothing.
  if (reason === undefined && UNPACKING.test(stderr)) {
    return `${branch} at ${url} has more than ${formatBytes(mostBytes)} of new objects (SKIFF_MAX_PUSH): leave large files out, or raise SKIFF_MAX_PUSH.`;
  }
  return `${url}: ${reason ?? "git ended without a reason"}`;
}

/** The first line in which git says why. */
function reasonOf(stderr: string): string | undefined {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.trim());
  const reason = lines.find(
    (line) => /^(fatal|error|remote: (fatal|error)|! )/.test(line) && !UNPACKING.test(line),
  );
  return reason && printable(reason.slice(0, LINE_CHARACTERS));
}
