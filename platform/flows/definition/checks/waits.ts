import type { FlowDefinition, Step } from "../definition.ts";
import type { Place } from "../reading/place.ts";
import { shortMs } from "../reading/values.ts";

const WAITS: readonly Step["action"]["kind"][] = ["wait", "event", "approve", "flow"];

/** Records waits that the timeout of the flow would end. Steps of finally run after it. */
export function checkWaits(
  { steps, timeoutMs }: Pick<FlowDefinition, "steps" | "timeoutMs">,
  flow: Place,
): void {
  const most = `${shortMs(timeoutMs)}${flow.member("timeout") === undefined ? " by default" : ""}`;
  for (const [name, step] of Object.entries(steps)) {
    const ms = longestOf(step);
    if (ms === undefined || ms <= timeoutMs) continue;
    const place = flow.member("steps")?.member(name);
    const wait = place?.member("wait");
    const where = place?.member("timeout") ?? wait?.member("for") ?? wait?.member("timeout") ?? wait;
    where?.fault(
      `${where.name} is longer than a run may take, ${most}: use less, or give the flow a longer timeout, such as timeout: ${shortMs(ms)}.`,
    );
  }
}

/** As far as the text says it. */
function longestOf({ action, timeoutMs }: Step): number | undefined {
  if (action.kind === "wait") return action.forMs ?? timeoutMs;
  return WAITS.includes(action.kind) ? timeoutMs : undefined;
}
