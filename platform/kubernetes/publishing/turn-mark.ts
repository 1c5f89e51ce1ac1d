import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Cluster, JsonOperation } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import type { FunctionResource } from "../cluster/resources.ts";
import { functionPlace } from "../objects/function-resource.ts";
import { ANNOTATIONS } from "../objects/names.ts";

/** Interval at which a manager renews the mark of its change. Most changes end before the first time. */
const RENEW_MS = 1_000;
/** Time without a renewal after which another manager takes the turn over: the manager has died. */
export const TAKEOVER_MS = 3_000;

/** Makes the annotations of a new mark, which lock a Function against other managers. */
export function newMark(): { readonly by: string; readonly annotations: Readonly<Record<string, string>> } {
  const by = `${hostname()}/${randomUUID()}`;
  const annotations = {
    [ANNOTATIONS.publishingSince]: new Date().toISOString(),
    [ANNOTATIONS.publishingBy]: by,
    [ANNOTATIONS.publishingRenewed]: "0",
  };
  return { by, annotations };
}

/** Makes a patch fail (422) if the Function does not have this mark. */
export function onlyWithMark(by: string): JsonOperation {
  return { op: "test", path: annotationPath(ANNOTATIONS.publishingBy), value: by };
}

/** Removes the mark that the Function has. */
export function withoutMark({ metadata: { annotations = {} } }: FunctionResource): JsonOperation[] {
  const { publishingSince, publishingBy, publishingRenewed } = ANNOTATIONS;
  return [publishingSince, publishingBy, publishingRenewed]
    .filter((name) => annotations[name] !== undefined)
    .map((name) => ({ op: "remove", path: annotationPath(name) }));
}

/** Returns a JSON pointer (RFC 6901, section 3). */
export function annotationPath(annotation: string): string {
  return `/metadata/annotations/${annotation.replaceAll("/", "~1")}`;
}

/**
 * Finds out whether the manager behind a mark renews it. Times are those of this program: clocks of others are not
 * trusted.
 */
export class MarkWatch {
  #mark = "";
  #sinceMs = 0;

  /** Returns for how long this program has seen the mark unchanged; 0 for one of an older Skiff, which renews none. */
  unrenewedMs({ metadata: { annotations = {} } }: FunctionResource, nowMs: number): number {
    const { [ANNOTATIONS.publishingBy]: by, [ANNOTATIONS.publishingRenewed]: renewed } = annotations;
    const mark = `${by} ${renewed}`;
    if (mark !== this.#mark) [this.#mark, this.#sinceMs] = [mark, nowMs];
    return by === undefined ? 0 : nowMs - this.#sinceMs;
  }
}

export interface RenewalOptions extends Cluster {
  readonly name: string;
  readonly by: string;
  /** Called once if another manager has taken the turn over. */
  readonly onLost: () => void;
}

/** Renews a mark until `stop`. */
export class Renewal {
  readonly #options: RenewalOptions;
  readonly #timer: NodeJS.Timeout;
  #count = 0;
  #isUnderWay = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    const { api, namespace, name, by, onLost } = this.#options;
    const value = String(++this.#count);
    const path = annotationPath(ANNOTATIONS.publishingRenewed);
    try {
      const renewal: JsonOperation[] = [onlyWithMark(by), { op: "add", path, value }];
      await api.patchJson(functionPlace(namespace, name), renewal, { deadlineMs: TAKEOVER_MS });
    } catch (error) {
      // While the API server is away nobody can take the turn over.
      if (hasStatus(error, 404, 422)) this.stop();
      if (hasStatus(error, 422)) onLost();
    } finally {
      this.#isUnderWay = false;
    }
  }
}
