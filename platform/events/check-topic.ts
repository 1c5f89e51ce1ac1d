import {
  bytes,
  duration,
  fault,
  listOf,
  members,
  oneOf,
  PREFIX,
  type SpecFault,
  text,
} from "./spec-check.ts";
import type { TopicSpec } from "./topic-spec.ts";

const MOST_PATHS = 100;
const MOST_REPLY_MS = 300_000;
const DAY_MS = 86_400_000;

const check = members({
  paths: listOf(text(PREFIX, "a path such as /test, without a slash at its end"), MOST_PATHS),
  replyTimeout: duration(0, MOST_REPLY_MS, "30s"),
  access: oneOf("key", "public"),
  keepFor: duration(1_000, 365 * DAY_MS, "168h"),
  keepBytes: bytes(1024, "1Gi"),
  maxEvent: bytes(1, "1Mi"),
});

/** Returns what is wrong with the spec of a `Topic`. An empty list makes it a `TopicSpec`. */
export function checkTopicSpec(spec: unknown): readonly SpecFault[] {
  const faults = check(spec, []);
  if (faults.length > 0) return faults;
  const { paths = [] } = spec as TopicSpec;
  return paths.flatMap((path, index) =>
    paths.indexOf(path) === index
      ? []
      : [fault(["paths", String(index)], `paths has ${path} twice: name it once.`)],
  );
}
