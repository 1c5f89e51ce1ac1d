import { formatBytes } from "../../../quantity.ts";
import type { KeptValue } from "../entry.ts";
import { Failure, Unloaded } from "../values/failure.ts";
import { isReadable, type Scope } from "../values/values.ts";

/** An event that is too large is not published. Throws `Failure`, or `Unloaded`. */
export function checkEvent({ run, step }: Scope, topic: string, payload: KeptValue): void {
  const most = run.options.mostEventBytes?.(topic);
  if (most === undefined) return;
  const bytes = bytesOf(payload);
  if (bytes <= most) return;
  const limit = `${formatBytes(most)} (maxEvent of the topic "${topic}", or SKIFF_MAX_EVENT)`;
  const message = `Step \`${step}\`: the event has ${bytes} bytes, which is more than ${limit}: publish less, or raise it.`;
  throw new Failure({ type: "event_too_large", message });

  function bytesOf(value: KeptValue): number {
    if ("json" in value) {
      const isText = typeof value.json === "string" && value.sentAs !== "application/json";
      const text = isText ? (value.json as string) : JSON.stringify(value.json ?? null);
      return new TextEncoder().encode(text).length;
    }
    // A text is shorter than the JSON that is kept of it.
    if (!isReadable(run, value) || value.bytes <= most! || value.sentAs === "application/json")
      return value.bytes;
    const loaded = run.options.value(value);
    if (loaded === undefined) throw new Unloaded([value]);
    return bytesOf(loaded);
  }
}
