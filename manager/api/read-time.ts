import { Problem } from "../../platform/problems.ts";
import { parseDurationMs, parseInstant } from "../../platform/quantity.ts";

/**
 * Reads a parameter that is a time, or a duration before now such as `15m`.
 * @throws Problem `invalid_request` that names the parameter
 */
export function readTime(text: string | undefined, name: string, nowMs: number): Date | undefined {
  if (text === undefined) return undefined;
  const agoMs = /\d[a-z]+$/.test(text) ? parseDurationMs(text) : undefined;
  if (agoMs !== undefined) return new Date(Math.max(0, nowMs - agoMs));
  const at = parseInstant(text);
  if (at !== undefined) return at;
  const example = `${name}=15m, ${name}=2026-11-29 or ${name}=2026-11-29T14:00:00Z`;
  throw new Problem(
    "invalid_request",
    `${name}=${text.slice(0, 40)} is not a valid time: use one like ${example}.`,
  );
}
