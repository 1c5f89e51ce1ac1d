import type { OutgoingHttpHeaders } from "node:http";
import { READABLE_FIELDS } from "../../../../client-image/start-message.ts";

/** An answer that the host makes instead of the program. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

const TITLES = {
  program_failed: { status: 500, title: "The program failed" },
  out_of_memory: { status: 500, title: "The program used more memory than it may" },
  call_timeout: { status: 504, title: "The function did not answer in time" },
} as const;

/** Why a program is no answer to its call. */
export interface Failure {
  readonly code: keyof typeof TITLES;
  /** Says what happened, as a sentence. */
  readonly detail: string;
  /** The setting that decides it. */
  readonly setting?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** Its last lines on standard error. */
  readonly log?: readonly string[];
}

/** Renders a failure as the problem documents of Skiff (RFC 9457). */
export function problemAnswer({ code, detail, ...members }: Failure, callId: string): ProblemAnswer {
  const { status, title } = TITLES[code];
  const type = `https://skiff.dev/problems/${code}`;
  const body = `${JSON.stringify({ type, title, status, detail, code, callId, ...members })}\n`;
  return {
    status,
    headers: {
      "content-type": "application/problem+json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-skiff-error": "platform",
      ...READABLE_FIELDS,
    },
    body,
  };
}
