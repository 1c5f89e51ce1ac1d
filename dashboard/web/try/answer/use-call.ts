import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { type Field, type TriedRequest, tryCall } from "../../api/try-call.ts";
import { type BodySoFar, decoded, ReceivedBody, readInto } from "./read-body.ts";

/** What is known of an answer while it comes and afterwards. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly Field[];
  readonly firstByteMs: number;
  /** Until its last byte, or until it broke off. */
  readonly totalMs: number;
  readonly body: BodySoFar;
  readonly whole: ReceivedBody;
  /** How it ended; undefined while it comes. */
  readonly end?: "complete" | "cancelled" | "broken";
}

export interface Call {
  readonly isUnderWay: boolean;
  readonly answer?: Answer;
  /** Why there is no answer. */
  readonly problem?: ApiProblem;
  readonly wasCancelled?: boolean;
}

export interface CallControl {
  readonly call: Call | undefined;
  /** Resolves with the call when it has ended. */
  readonly send: (request: TriedRequest) => Promise<Call>;
  readonly cancel: () => void;
}

/** Makes one call at a time; another one cancels that before. */
export function useCall(): CallControl {
  const [call, setCall] = useState<Call>();
  const current = useRef<AbortController>(undefined);
  useEffect(() => () => current.current?.abort(), []);
  const send = async (request: TriedRequest) => {
    current.current?.abort();
    const ending = new AbortController();
    current.current = ending;
    const show = (next: Call) => {
      if (current.current === ending) setCall(next);
      return next;
    };
    show({ isUnderWay: true });
    try {
      return show(await makeCall({ ...request, signal: ending.signal }, show));
    } catch (error) {
      if (ending.signal.aborted) return show({ isUnderWay: false, wasCancelled: true });
      return show({ isUnderWay: false, problem: asProblem(error) });
    }
  };
  return { call, send, cancel: () => current.current?.abort() };
}

async function makeCall(request: TriedRequest, show: (call: Call) => void): Promise<Call> {
  const startedMs = performance.now();
  const { body: stream, status, headers, firstByteMs } = await tryCall(request);
  const whole = new ReceivedBody();
  const now = (end?: Answer["end"]): Answer => {
    const totalMs = Math.max(firstByteMs, performance.now() - startedMs);
    return { status, headers, firstByteMs, totalMs, body: whole.soFar, whole, ...(end && { end }) };
  };
  show({ isUnderWay: true, answer: now() });
  const hasBody = request.method !== "HEAD" && status !== 204 && status !== 304;
  const encoding = hasBody ? headerOf(headers, "content-encoding") : undefined;
  try {
    await readInto(whole, decoded(stream, encoding), () => show({ isUnderWay: true, answer: now() }));
  } catch {
    // The function broke its answer off: what has come is shown, with that fact.
    return { isUnderWay: false, answer: now(request.signal?.aborted ? "cancelled" : "broken") };
  }
  return { isUnderWay: false, answer: now("complete") };
}

export function headerOf(headers: readonly Field[], wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
}
