import type { IncomingMessage } from "node:http";
import type { Callers } from "../../../http/access/callers.ts";
import { requireAllFunctions } from "../../../http/access/principal.ts";
import type { TopicSpec } from "../../../platform/events/topic-spec.ts";
import { type RequestFields, readFields } from "../../intake/request-fields.ts";

/** Decides who may publish. */
export class TopicAccess {
  readonly #callers: Callers;

  constructor(callers: Callers) {
    this.#callers = callers;
  }

  /** @throws Problem `unauthorized`, `insufficient_scope`, `forbidden`, `too_many_attempts` */
  check(request: IncomingMessage, topic: string, { access = "key" }: TopicSpec): void {
    this.checkFields(request, readFields(request, { authority: undefined }), { topic, access });
  }

  /** As `check`, of fields that were read already. Returns whether the Bearer of the request is for Skiff. */
  checkFields(
    request: IncomingMessage,
    fields: RequestFields,
    { topic, access = "key" }: TopicSpec & { readonly topic: string },
  ): boolean {
    const asked = { what: `The topic "${topic}"`, needsKey: access === "key", admitsLocal: true };
    const caller = this.#callers.check(request, asked, fields);
    // Whoever subscribes to the topic is called, whichever function that is.
    if (asked.needsKey) requireAllFunctions(caller);
    return this.#callers.readsBearer(asked, fields);
  }
}
