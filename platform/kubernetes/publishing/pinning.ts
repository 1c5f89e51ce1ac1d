import { checkPins } from "../../pins.ts";
import { Problem } from "../../problems.ts";
import { functionPlace, keptVersions } from "../objects/function-resource.ts";
import type { PublishTurns, TurnOptions } from "./publish-turns.ts";
import { onlyWithMark } from "./turn-mark.ts";

export interface PinningOptions extends TurnOptions {
  readonly turns: PublishTurns;
}

/**
 * Pins versions in `spec.pinned`. It takes a turn, because a deploy at the same time would treat the write as an edit of
 * the settings.
 */
export class Pinning {
  readonly #options: PinningOptions;

  constructor(options: PinningOptions) {
    this.#options = options;
  }

  /** @throws Problem `unknown_function`, `unknown_version`, `invalid_request`, `too_many_waiting`; ApiError, ApiUnreachable */
  async pin(
    name: string,
    { version, isPinned }: { readonly version: number; readonly isPinned: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const { api, namespace, turns, limits } = this.#options;
    const turn = await turns.begin(name, { signal });
    try {
      const kept = keptVersions(turn.resource, limits).map((each) => each.version);
      if (!kept.includes(version)) {
        throw new Problem("unknown_version", `The function "${name}" has no version ${version}.`);
      }
      const { pinned = [] } = turn.resource.spec;
      checkPins(new Set(pinned), { version, isPinned, most: limits.versionsKept });
      const others = pinned.filter((each) => each !== version && kept.includes(each));
      const value = (isPinned ? [...others, version] : others).sort((a, b) => a - b);
      turn.resource = await api.patchJson(functionPlace(namespace, name), [
        { op: "test", path: "/metadata/uid", value: turn.owner.uid },
        onlyWithMark(turn.by),
        { op: "add", path: "/spec/pinned", value },
      ]);
    } finally {
      turns.end(turn);
    }
  }
}
