import { createServer } from "node:http";
import { createEvents } from "../../../events/events.ts";
import { SUBSCRIPTION_KIND } from "../../../platform/events/kinds.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import type { EventStore } from "../../../store/store.ts";
import { publish } from "../../support/platform/deploying.ts";
import { answering, draftOf } from "../../support/platform/draft.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { listening } from "./recording-router.ts";

export interface OpenEventsOptions {
  /** A file of SQLite, or the URL of PostgreSQL. */
  readonly store: string;
  readonly router: string;
  /** Whether other programs use the store too. */
  readonly isShared: boolean;
  readonly print: (line: string) => void;
}

export interface OpenEvents {
  readonly url: string;
  readonly store: EventStore;
  close(): Promise<void>;
}

/** The events of a program: the function `hello`, and the subscription `all` of the topic `orders`. */
export async function openEvents({ store, router, isShared, print }: OpenEventsOptions): Promise<OpenEvents> {
  const limits = limitsFromEnv({});
  const database = store.startsWith("postgres:")
    ? new PostgresStore({ url: store, limits, print })
    : new SqliteStore({ file: store, print });
  if ("opened" in database) await database.opened;
  const platform = new FakePlatform();
  await publish(platform, draftOf("hello", answering("hello")));
  const spec = { topic: "orders", function: "hello", from: "earliest" };
  await platform.declarations.put(SUBSCRIPTION_KIND, "all", { spec });
  const changes = storeChanges();
  const announced = announcing(database, changes);
  const events = createEvents({
    ...{ store: announced, changes, isShared, platform, keys: new KeyTable(), access: { mode: "open" } },
    ...{ limits, env: {}, print, router: () => router, callerKey: "sk_kinternals_text" },
    ...{ now: Date.now, random: Math.random },
  });
  const server = createServer((request, response) => {
    if (events.takes(request.method!, request.url!)) events.handler(request, response);
    else response.writeHead(404).end();
  });
  const url = await listening(server);
  await events.start();
  return {
    url,
    store: announced,
    async close() {
      await events.drain({ drainMs: 5_000 });
      server.close();
      server.closeAllConnections();
      await database.close();
    },
  };
}
