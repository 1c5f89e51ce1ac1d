import { queueFull } from "../../../http/request-problems.ts";
import { newTraceparent } from "../../../http/traceparent.ts";
import type { ScheduleSpec } from "../../../platform/events/schedule-spec.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";
import type { NewCall } from "../../../store/call.ts";
import { newCallId } from "../../../store/call-id.ts";
import { firedBy } from "../../../store/scheduled.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { requireValid } from "./declarations.ts";
import { SCHEDULES } from "./schedules.ts";

/** `POST /schedule/NAME/run`: what the schedule fires, now, whether it is paused or not. */
export function runSchedule(services: Services): Handler {
  const { platform } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    refusePrecondition(ctx);
    const name = ctx.params.name!;
    const declared = await requireValid(services, SCHEDULES, name);
    const spec = declared.spec as unknown as ScheduleSpec;
    const { call } = spec;
    const endpoints = call && platform.endpoints(call.function);
    if (call !== undefined && endpoints === undefined) throw unknownFunction(call.function);
    const [topics, bodies] = [requirePart(services, "topics"), requirePart(services, "bodies")];
    const now = services.keys.now();
    const { by, keyId } = ctx.state.principal;
    const time = {
      ...{ at: now, now, isManual: true, id: newCallId(now, Math.random), traceparent: newTraceparent() },
      ...{ by, keyId, retry: endpoints?.retry },
    };
    const fired = await firedBy({ ...spec, name }, time, bodies);
    ctx.status = 202;
    if ("event" in fired) {
      const [published] = await topics.publish([fired.event], now);
      const { topic, id } = fired.event;
      ctx.state.audited = { target: `schedule/${name}`, detail: `event ${id} in ${topic}` };
      return answerJson(ctx, { event: id, topic, position: published!.position });
    }
    const { id } = await enqueue(services, fired.call);
    ctx.state.audited = { target: `schedule/${name}`, detail: `call ${id}` };
    ctx.set("location", `/call/${id}`);
    answerJson(ctx, { call: id });
  };
}

async function enqueue(services: Services, call: NewCall): Promise<{ id: string }> {
  const calls = requirePart(services, "calls");
  const mostLive = services.limits.queuedCalls;
  const [outcome] = await calls.enqueue([call], { now: call.acceptedAt, mostLive });
  if ("id" in outcome!) return outcome;
  if (outcome!.refused === "full") throw queueFull(call.queue.replace("fn/", ""), mostLive);
  throw new Problem("internal_error", "A run by hand has no idempotency key, and was refused for it.");
}
