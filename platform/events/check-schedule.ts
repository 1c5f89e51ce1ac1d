import { isRecord } from "../settings/invalid-setting.ts";
import { checkRetry } from "./check-retry.ts";
import { type CronText, cronFault, splitZone } from "./cron.ts";
import type { ScheduleSpec } from "./schedule-spec.ts";
import {
  ANY,
  duration,
  FIELD,
  FLAG,
  FUNCTION,
  fault,
  METHODS,
  members,
  must,
  NAME,
  OWN_FIELD,
  oneOf,
  PATH,
  RESERVED,
  type SpecFault,
  text,
  texts,
} from "./spec-check.ts";

const TIMES = ["/cron", "/timeZone"];
const DAY_MS = 86_400_000;
const LINE = /^[^\p{C}]{1,200}$/u;

const HEADERS = must(
  areHeaders,
  "names of header fields with texts on one line, such as {accept: text/plain}",
);

const call = members({
  function: FUNCTION,
  method: oneOf(...METHODS),
  path: PATH,
  headers: (value, path) => [...HEADERS(value, path), ...ownFields(value, path)],
  body: ANY,
  retry: checkRetry,
});

const event = members({
  topic: NAME,
  type: text(/^[\x21-\x7e]{1,255}$/, "a type such as dev.example.report"),
  attributes: texts(
    new RegExp(`^(?!(${RESERVED.join("|")})$)[a-z0-9]{1,64}$`),
    `attributes other than ${RESERVED.join(", ")}, with texts, such as {subject: daily}`,
  ),
  data: ANY,
});

const run = members({ flow: NAME, input: ANY });

const check = members({
  cron: text(LINE, 'a cron expression such as "0 3 * * *", @hourly or "@every 90s"'),
  timeZone: text(LINE, "an IANA time zone such as Europe/Berlin"),
  call,
  event,
  run,
  overlap: oneOf("skip", "queue", "allow"),
  missed: oneOf("skip", "once", "all"),
  jitter: duration(0, DAY_MS, "30s"),
  paused: FLAG,
});

/** Returns what is wrong with the spec of a `Schedule`. An empty list makes it a `ScheduleSpec`. */
export function checkScheduleSpec(spec: unknown): readonly SpecFault[] {
  const faults = check(spec, []);
  if (faults.some(({ pointer }) => pointer === "")) return faults;
  const { cron, timeZone, call: toCall, event: toPublish, run: toRun } = spec as Partial<ScheduleSpec>;
  const found = [...faults];
  if (!cron) found.push(fault([], 'The schedule has no times: add cron, such as cron: "0 3 * * *".'));
  else if (!faults.some(({ pointer }) => TIMES.includes(pointer)))
    found.push(...timeFaults({ cron, timeZone }));
  if ([toCall, toPublish, toRun].filter(Boolean).length !== 1) {
    found.push(fault([], "A schedule has one target: name one of call, event and run."));
  }
  found.push(...required(toCall, ["call", "function"]), ...required(toPublish, ["event", "topic"]));
  found.push(...required(toRun, ["run", "flow"]));
  return found;
}

function timeFaults(text: CronText): SpecFault[] {
  const { cron, timeZone } = splitZone(text.cron);
  if (timeZone !== undefined) {
    const advice = `write cron: "${cron}" and timeZone: ${timeZone}`;
    return [fault(["cron"], `cron has a time zone: ${advice}.`)];
  }
  const reason = cronFault(text);
  if (reason === undefined) return [];
  const member = cronFault({ cron: text.cron }) === undefined ? "timeZone" : "cron";
  return [fault([member], `${member}: ${reason}.`)];
}

function required(target: unknown, [name, member]: readonly [string, string]): SpecFault[] {
  if (typeof target !== "object" || target === null || Object.hasOwn(target, member)) return [];
  return [fault([name], `${name} has no ${member}: name one.`)];
}

function areHeaders(value: unknown): boolean {
  if (texts(FIELD, "")(value, []).length > 0) return false;
  return Object.values(value as Record<string, string>).every((field) => /^[^\0\r\n]{0,8192}$/.test(field));
}

function ownFields(value: unknown, path: readonly string[]): SpecFault[] {
  const own = isRecord(value) ? Object.keys(value).filter((name) => OWN_FIELD.test(name)) : [];
  return own.map((name) =>
    fault([...path, name], `${path.join(".")} has ${name}, which Skiff sets itself: remove it.`),
  );
}
