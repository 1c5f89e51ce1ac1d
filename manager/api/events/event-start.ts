import { Problem } from "../../../platform/problems.ts";
import type { Topics } from "../../../store/topics.ts";
import { readTime } from "../read-time.ts";

/** An event of a topic from which somebody reads on. */
export type EventStart = "earliest" | "latest" | { readonly position: number } | { readonly time: Date };

/**
 * Reads `earliest`, `latest`, the position of an event, a time, or a duration before now.
 * @throws Problem `invalid_request`
 */
export function readStart(text: string | undefined, name: string, nowMs: number): EventStart | undefined {
  if (text === undefined || text === "earliest" || text === "latest") return text;
  if (/^\d{1,15}$/.test(text)) return { position: Number(text) };
  // A word in letters alone is neither a time nor a duration.
  if (/^[a-z]+$/i.test(text)) {
    const detail = `${name}=${text.slice(0, 40)} is not a valid start: use earliest, latest, a position, or a time such as ${name}=15m.`;
    throw new Problem("invalid_request", detail);
  }
  return { time: readTime(text, name, nowMs)! };
}

/** Returns the position before the first event that is wanted, at most that of the last event. */
export async function placeBefore(topics: Topics, topic: string, start: EventStart): Promise<number> {
  if (start === "earliest") return 0;
  if (start === "latest" || "position" in start) {
    const own = (await topics.stats()).find((each) => each.topic === topic);
    const end = own?.end ?? 0;
    return start === "latest" ? end : Math.min(end, Math.max(0, start.position - 1));
  }
  return await topics.positionAt(topic, start.time.getTime());
}
