import { FLOW_KIND } from "../platform/flows/kinds.ts";
import { LIVE_STATES } from "../platform/flows/run/error.ts";
import type { FlowsOptions } from "./services.ts";

type Options = Pick<FlowsOptions, "store" | "changes" | "platform">;

/**
 * Calls `use` once as soon as there is a flow or a live run, so that an installation without flows neither loads an engine nor writes its
 * beats. No other program may use the store. Returns the way to stop.
 */
export async function onFirstUse(options: Options, use: () => void): Promise<() => void> {
  const { store, changes, platform } = options;
  const [live] = await store.runs.list({ states: LIVE_STATES, limit: 1 });
  if (live !== undefined) {
    use();
    return () => {};
  }
  const stop = () => {
    changes.off("runs", first);
    unwatch();
  };
  const first = () => {
    stop();
    use();
  };
  changes.once("runs", first);
  const unwatch = platform.declarations.watch(FLOW_KIND, (_, declared) => {
    if (declared !== undefined) first();
  });
  return stop;
}
