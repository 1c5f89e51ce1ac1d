import type { Declarations } from "../../platform/declarations.ts";
import { checkTopicSpec } from "../../platform/events/check-topic.ts";
import { type Followed, followDeclarations } from "../../platform/events/follow-declarations.ts";
import { TOPIC_KIND } from "../../platform/events/kinds.ts";
import type { TopicSpec } from "../../platform/events/topic-spec.ts";
import type { Limits } from "../../platform/limits.ts";
import { parseBytes } from "../../platform/quantity.ts";

export interface EventBoundsOptions {
  readonly declarations: Pick<Declarations, "list" | "watch">;
  readonly limits: Pick<Limits, "eventBytes">;
  readonly print: (line: string) => void;
}

/** How long the events of a topic may be: `maxEvent` of its declaration, in memory, or SKIFF_MAX_EVENT. */
export class EventBounds {
  readonly #options: EventBoundsOptions;
  readonly #own = new Map<string, number>();
  #followed: Followed | undefined;

  constructor(options: EventBoundsOptions) {
    this.#options = options;
  }

  /** Resolves when the declared topics are known; after 10 s with those that are there. */
  async open(): Promise<void> {
    const { declarations, print } = this.#options;
    this.#followed = followDeclarations(declarations, TOPIC_KIND, (name, declared) => {
      if (declared === undefined) this.#own.delete(name);
      // The last valid spec stays in force.
      else if (checkTopicSpec(declared.spec).length === 0) this.#apply(name, declared.spec);
    });
    const reason = await this.#followed.loaded;
    if (reason !== undefined) print(`not all topics could be read: ${reason}`);
  }

  /** In bytes. */
  readonly mostBytes = (topic: string): number => this.#own.get(topic) ?? this.#options.limits.eventBytes;

  close(): void {
    this.#followed?.close();
  }

  #apply(name: string, { maxEvent }: TopicSpec): void {
    const most = typeof maxEvent === "string" ? parseBytes(maxEvent) : undefined;
    if (most === undefined) this.#own.delete(name);
    else this.#own.set(name, most);
  }
}
