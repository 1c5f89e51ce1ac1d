import type { OutgoingHttpHeaders } from "node:http";
import { READABLE_FIELDS } from "../../../../client-image/start-message.ts";

/** An answer that the host makes instead of the program. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/** Why a program is no answer to its call. */
export interface Failure {
  readonly code: "program_failed" | "call_timeout";
  /** Says what happened, as a sentence. */
  readonly detail: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** Its last lines on standard error. */
  readonly log?: readonly string[];
}

const TITLES = {
  program_failed: { status: 500, title: "The program failed" },
  call_timeout: { status: 504, title: "The function did not answer in time" },
} as const;

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
