import { checkFilter } from "../../../events/check-filter.ts";
import { METHODS, PREFIX } from "../../../events/spec-check.ts";
import { parseInstant } from "../../../quantity.ts";
import type { CronTrigger, HttpTrigger, TopicTrigger, Triggers } from "../definition.ts";
import { KEYS } from "./keys.ts";
import { declarationNameOf } from "./names.ts";
import type { Place } from "./place.ts";
import { checkedOf, choiceOf, durationOf, isObject, manyOf, textOf } from "./values.ts";

const MOST_TRIGGERS = 20;
const WAIT = { least: 1, most: 300_000, example: "30s" };
const JITTER = { least: 0, most: 86_400_000, example: "30s" };
const DEFAULT_WAIT_MS = 30_000;
const LINE = /^[^\p{C}]{1,200}$/u;

export function readTriggers(place: Place | undefined): Triggers {
  if (place === undefined || !isObject(place, KEYS.on)) return { topics: [], crons: [] };
  const http = place.member("http");
  const trigger = http === undefined ? undefined : readHttp(http);
  return {
    ...(trigger && { http: trigger }),
    topics: manyOf(place.member("topic"), readTopic, MOST_TRIGGERS),
    crons: manyOf(place.member("cron"), readCron, MOST_TRIGGERS),
  };
}

function readHttp(place: Place): HttpTrigger | undefined {
  const { value } = place;
  const long = value === true ? place.at("", {}) : place;
  if (typeof value === "string") {
    const path = pathOf(place);
    return path === undefined ? undefined : httpTrigger({ path });
  }
  if (value !== true && (typeof value !== "object" || value === null)) {
    return place.wrong("true, a path such as /orders, or an object with path, methods, access and respond");
  }
  if (!isObject(long, KEYS.httpTrigger)) return undefined;
  const methods = manyOf(long.member("methods"), (each) => choiceOf(each, METHODS), METHODS.length);
  const respond = textOf(long.member("respond"), /^/, "the name of a step");
  return httpTrigger({
    path: pathOf(long.member("path")),
    methods: methods.length > 0 ? methods : undefined,
    access: choiceOf(long.member("access"), ["public", "key"]),
    waitMs: durationOf(long.member("wait"), WAIT),
    respond,
  });
}

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

function httpTrigger({ path, methods, access, respond, waitMs }: Given<HttpTrigger>): HttpTrigger {
  return {
    path: path ?? "/",
    methods: methods ?? ["POST"],
    access: access ?? "key",
    ...(respond !== undefined && { respond }),
    waitMs: waitMs ?? DEFAULT_WAIT_MS,
  };
}

function pathOf(place: Place | undefined): string | undefined {
  return textOf(place, PREFIX, "a path such as /orders, without a slash at its end");
}

function readTopic(place: Place): TopicTrigger | undefined {
  if (typeof place.value === "string") {
    const topic = declarationNameOf(place, "topic");
    return topic === undefined ? undefined : { topic };
  }
  if (!isObject(place, KEYS.topicTrigger)) return undefined;
  const named = place.member("topic");
  if (named === undefined) return place.fault(`${place.name} has no topic: name one, such as topic: orders.`);
  const topic = declarationNameOf(named, "topic");
  const filter = checkedOf<TopicTrigger["filter"]>(place.member("filter"), checkFilter);
  const from = startOf(place.member("from"));
  return topic === undefined
    ? undefined
    : { topic, ...(filter && { filter }), ...(from !== undefined && { from }) };
}

function startOf(place: Place | undefined): string | undefined {
  if (place === undefined) return undefined;
  const { value } = place;
  const isStart =
    value === "latest" ||
    value === "earliest" ||
    (typeof value === "string" && parseInstant(value) !== undefined);
  return isStart ? value : place.wrong('latest, earliest or a time such as "2026-11-29T14:00:00Z"');
}

function readCron(place: Place): CronTrigger | undefined {
  if (typeof place.value === "string") {
    const cron = timesOf(place, undefined);
    return cron === undefined ? undefined : { cron };
  }
  if (!isObject(place, KEYS.cronTrigger)) return undefined;
  const times = place.member("cron");
  if (times === undefined)
    return place.fault(`${place.name} has no times: add cron, such as cron: "0 3 * * *".`);
  const zone = textOf(place.member("timeZone"), LINE, "an IANA time zone such as Europe/Berlin");
  const cron = timesOf(times, zone);
  const jitter = place.member("jitter");
  const jitterMs = durationOf(jitter, JITTER);
  const overlap = choiceOf(place.member("overlap"), ["skip", "queue", "allow"]);
  const missed = choiceOf(place.member("missed"), ["skip", "once", "all"]);
  const input = place.member("input");
  if (cron === undefined) return undefined;
  return {
    cron,
    ...(zone !== undefined && { timeZone: zone }),
    ...(overlap && { overlap }),
    ...(missed && { missed }),
    ...(jitterMs !== undefined && { jitter: jitter!.value as string }),
    ...(input && { input: input.value }),
  };
}

function timesOf(place: Place, timeZone: string | undefined): string | undefined {
  const cron = textOf(place, LINE, 'a cron expression such as "0 3 * * *", @hourly or "@every 90s"');
  if (cron === undefined) return undefined;
  const reason = place.reading.checkCron?.({ cron, timeZone });
  return reason === undefined ? cron : place.fault(`${place.name}: ${reason}.`);
}
