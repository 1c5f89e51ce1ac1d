import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEvents } from "../../events/events.ts";
import { KeyTable } from "../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../platform/limits.ts";
import { announcing, storeChanges } from "../../store/changes.ts";
import { SqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { issuedKey } from "../support/issued-key.ts";
import { answering, draftOf } from "../support/platform/draft.ts";
import { FakePlatform } from "../support/platform/fake-platform.ts";

describe("a key that makes asynchronous calls", () => {
  it("was used at that time, once the program has ended", async () => {
    const folder = mkdtempSync(join(tmpdir(), "skiff-key-uses-"));
    const store = new SqliteStore({ file: join(folder, "history.db"), print: assert.fail });
    const platform = new FakePlatform();
    const keys = new KeyTable();
    const changes = storeChanges();
    const events = createEvents({
      ...{ store: announcing(store, changes), usage: store.usage, changes, isShared: false, platform, keys },
      ...{ access: { mode: "loopback" }, limits: limitsFromEnv({}), env: {}, print: () => {} },
      ...{ router: () => "http://127.0.0.1:1", callerKey: "", now: Date.now, random: Math.random },
    });
    const server = createServer(events.handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await platform.store(draftOf("hello", answering("hi")));
      const { id, authorization } = issuedKey(keys);
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/async/fn/hello?delay=1h`;
      const before = Date.now();
      assert.equal((await fetch(url, { headers: { authorization } })).status, 202);
      await events.drain({ drainMs: 1_000 });
      const usedAt = (await store.usage.lastUse()).get(id);
      assert.ok(usedAt !== undefined && usedAt.getTime() >= before);
    } finally {
      await events.drain({ drainMs: 1_000 });
      server.close().closeAllConnections();
      await platform.close();
      await store.close();
      rmSync(folder, { recursive: true });
    }
  });
});
