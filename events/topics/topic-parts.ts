import type { EventServices } from "../services.ts";
import type { Publisher } from "./publisher.ts";
import type { TopicAccess } from "./requests/topic-access.ts";
import type { TopicTable } from "./topic-table.ts";

/** What requests of topics and the gateway share. */
export interface TopicParts {
  readonly services: EventServices;
  readonly table: TopicTable;
  readonly publisher: Publisher;
  readonly access: TopicAccess;
}
