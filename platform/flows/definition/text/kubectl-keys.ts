import { isRecord } from "../../../settings/invalid-setting.ts";

type Members = Readonly<Record<string, unknown>>;

/**
 * Gives the keys `on` of a flow, of `retry` and of `catch` their names back: kubectl reads YAML 1.1, in which an unquoted `on` is the
 * value true, and sends it as the key "true".
 */
export function withKeysNamed(spec: Members): Members {
  const flow = named(spec);
  return {
    ...flow,
    ...(isRecord(flow.steps) && { steps: mapped(flow.steps, stepNamed) }),
    ...(isRecord(flow.finally) && { finally: mapped(flow.finally, stepNamed) }),
  };
}

function stepNamed(step: unknown): unknown {
  if (!isRecord(step)) return step;
  return {
    ...step,
    ...(isRecord(step.retry) && { retry: named(step.retry) }),
    ...(step.catch !== undefined && {
      catch: Array.isArray(step.catch) ? step.catch.map(ruleNamed) : ruleNamed(step.catch),
    }),
  };
}

function ruleNamed(rule: unknown): unknown {
  return isRecord(rule) ? named(rule) : rule;
}

function named(members: Members): Members {
  if (!Object.hasOwn(members, "true") || Object.hasOwn(members, "on")) return members;
  return Object.fromEntries(
    Object.entries(members).map(([key, value]) => [key === "true" ? "on" : key, value]),
  );
}

function mapped(members: Members, map: (value: unknown) => unknown): Members {
  return Object.fromEntries(Object.entries(members).map(([key, value]) => [key, map(value)]));
}
