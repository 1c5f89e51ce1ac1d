import { Problem } from "../../../../../platform/problems.ts";
import type { CallInput } from "../../../../../router/call/call.ts";
import { answerRefused } from "../../../../../router/exchange/answer.ts";
import type { BodySink } from "../../../../../router/exchange/incoming-body.ts";
import { notHttp } from "../../../../../router/exchange/problems.ts";
import type { Plan } from "../scripts/plan.ts";
import type { Recorder, Seen } from "./recorder.ts";

/** Reads a request and answers it as the router and an instance would, in the way that its plan determines. */
export class StubCall implements BodySink {
  readonly id: string;
  readonly request: CallInput["request"];
  readonly response: CallInput["response"];
  readonly #input: CallInput;
  readonly #recorder: Recorder;
  readonly #plan: Plan;
  readonly #seen: Seen;
  #isOver = false;

  constructor(input: CallInput, recorder: Recorder, plan: Plan) {
    this.#input = input;
    this.#recorder = recorder;
    this.#plan = plan;
    this.request = input.request;
    this.response = input.response;
    this.id = `call-${recorder.seen.length}`;
    this.#seen = {
      head: headOf(input),
      parts: [],
      trailers: [],
      state: "arriving",
      hasBegun: false,
      isTruncated: false,
      isComplete: () => input.body?.isComplete ?? true,
    };
    recorder.seen.push(this.#seen);
    recorder.activity++;
    recorder.unended++;
    this.response.onClose(() => this.#ended());
  }

  start(): void {
    const { problem, request, body, upgrade, sendContinue } = { ...this.#input, request: this.request };
    const { reading, closes, opens } = this.#plan;
    if (closes) this.response.shouldKeepAlive = false;
    const refusal = problem ?? this.#refusal() ?? request.problem;
    if (refusal !== undefined) this.#refuse(refusal);
    else if (reading === "refused") this.#refuse(new Problem("body_too_large", "It is too large."));
    else if (upgrade !== undefined && opens) this.#switch(upgrade);
    else {
      sendContinue?.();
      // Node keeps a head without a body until the end.
      if (this.#plan.headFirst && request.head.method !== "HEAD") {
        this.#seen.hasBegun = true;
        this.#writeHead();
      }
      if (body === undefined) this.onEnd([]);
      else {
        body.open(this);
        if (reading !== "unread") body.resume();
        if (reading !== "whole") this.#recorder.hold(() => this.#answer());
      }
    }
  }

  onData(part: Buffer): void {
    this.#recorder.activity++;
    if (this.#isOver) return;
    this.#seen.parts.push(part);
    const { pause } = this.#plan;
    if (pause === 0) return;
    this.#input.body!.pause();
    this.#recorder.later(pause, () => {
      if (!this.#isOver) this.#input.body!.resume();
    });
  }

  onReadEnd(): void {}

  onEnd(trailers: readonly string[]): void {
    if (this.#isOver) return;
    this.#seen.trailers = trailers;
    this.#seen.state = "whole";
    const { delay, reading } = this.#plan;
    if (reading === "whole") this.#recorder.later(delay, () => this.#answer());
    else if (this.#input.body === undefined) this.#recorder.hold(() => this.#answer());
  }

  onBroken(reason: string): void {
    if (this.#isOver) return;
    this.#seen.state = "broken";
    this.#isOver = true;
    if (this.response.destroyed) return;
    if (this.response.headersSent) this.#truncate();
    else answerRefused(this, notHttp(reason));
  }

  #refusal(): Problem | undefined {
    const { head, target } = this.request;
    if (head.method === "TRACE") return new Problem("method_not_allowed", "No TRACE.");
    return target?.name === "echo"
      ? undefined
      : new Problem("unknown_function", "There is no such function.");
  }

  #truncate(): void {
    this.#seen.isTruncated = true;
    this.response.truncate();
  }

  #refuse(problem: Problem): void {
    this.#seen.state = "refused";
    this.#over();
    answerRefused(this, problem);
  }

  #writeHead(): void {
    const { status, fields } = this.#plan;
    this.response.writeHead({ status, headers: fields }, ["x-skiff-call-id", this.id]);
    this.response.flush();
  }

  #answer(): void {
    if (this.#isOver) return;
    if (this.response.destroyed) {
      this.#seen.state = "broken";
      return;
    }
    this.#over();
    if (!this.response.headersSent) this.#writeHead();
    this.#write(0);
  }

  #write(at: number): void {
    const { response } = this;
    const { parts, trailers, truncates } = this.#plan;
    if (response.destroyed) return;
    if (truncates && at > 0) this.#recorder.later(2, () => this.#truncate());
    else if (at === parts.length) response.end(undefined, trailers);
    else {
      response.write(Buffer.from(parts[at]!, "latin1"));
      if (response.flush()) this.#recorder.later(at % 2, () => this.#write(at + 1));
      else response.onDrain(() => this.#write(at + 1));
    }
  }

  #switch({ socket, head }: NonNullable<CallInput["upgrade"]>): void {
    this.#over();
    const seen = this.#seen;
    this.response.writeHead({ status: 101, headers: [] }, []);
    this.response.flush();
    seen.parts.push(head);
    socket.on("data", (part: Buffer) => {
      this.#recorder.activity++;
      seen.parts.push(part);
    });
    socket.on("end", () => socket.end());
    socket.resume();
  }

  /** The call needs no more of the body. */
  #over(): void {
    this.#isOver = true;
    if (this.#seen.state === "arriving") this.#seen.state = "unread";
    this.#input.body?.pause();
  }

  #ended(): void {
    this.#recorder.activity++;
    this.#recorder.unended--;
    if (!this.#isOver) {
      this.#isOver = true;
      if (this.#seen.state === "arriving") this.#seen.state = "broken";
    }
    const { body } = this.#input;
    body?.pause();
    if (body?.isComplete === false) body.discard();
  }
}

function headOf({ request, problem, body, upgrade }: CallInput): string {
  const { method, url, httpVersion, rawHeaders } = request.head;
  return JSON.stringify({
    line: [method, url, httpVersion],
    rawHeaders,
    target: request.target,
    text: request.text,
    traces: [request.traceparent, request.tracestate],
    problems: [problem?.code, request.problem?.message],
    isChunked: body?.isChunked,
    length: body?.isChunked ? undefined : body?.length,
    isUpgrade: upgrade !== undefined,
  });
}
