import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { START_DEFAULTS } from "../../../platform/settings/runtime.ts";
import { type Applied, folderOf } from "./folders.ts";

export interface Installation {
  readonly url: string;
  close(): Promise<void>;
}

export interface RoundTripSubject {
  /** Starts an empty Skiff. */
  readonly open: () => Promise<Installation>;
  /** Called with each Skiff that has the functions of the folder: checks what their calls answer. */
  readonly check?: (url: string) => Promise<void>;
}

const VALUE = "the-value-of-a-secret";
const SETTINGS = `
    min: 1
    max: 4
    concurrency: 7
    timeout: 1500ms
    idle: 90s
    memory: 256Mi
    env: { TOKEN: s3cret, EMPTY: "", LINES: "a\\nb" }
    net: [public, 10.0.0.7]
    sys: [cpus, hostname]
    hosts: [a.example.com]
    access: key
    rate: 10/m
    burst: 20
    inflight: 3
    monthly: 1000
    cron: ["0 3 1,15 * *", TZ=Europe/Berlin @hourly]
    attempts: 3
    backoff: 90s
    max-age: 1h
    retry-on: 5xx,429
    secrets: { PGPASSWORD: db-password }
`;
const OBJECTS = `topics:
  orders: { paths: [/shop], replyTimeout: 5s, keepFor: 24h, keepBytes: 1Mi, maxEvent: 64Ki, access: public }
  mails:
flows:
  order: flows/order.yaml
  short: { steps: { a: { fn: plain } } }
subscriptions:
  plain:
    topic: orders
    function: plain
    group: mails
    from: earliest
    order: key
    orderBy: subject
    filter: { any: [{ exact: { type: order.made } }, { not: { prefix: { subject: a } } }] }
    retry: { attempts: 3, backoff: 2s, "on": [5xx] }
    replies: false
    paused: true
schedules:
  report:
    cron: 0 3 * * *
    timeZone: Europe/Berlin
    call: { function: plain, path: /report, headers: { accept: text/plain }, body: { all: true, since: null } }
    overlap: queue
  tick: { cron: "@every 90m", event: { topic: mails, data: [1, 2.5, a] }, paused: true }
`;
/** With the sign of a change before each. */
const objects = (action: string) =>
  ["mails", "orders"]
    .map((name) => `${action} topic/${name}`)
    .concat(`${action} flow/order`, `${action} flow/short`)
    .concat(`${action} subscription/plain`, `${action} schedule/report`, `${action} schedule/tick`);
const FOLDER = {
  "skiff.yaml": `${OBJECTS}defaults: { max: 5 }
functions:
  plain: { env: { GREETING: hello } }
  project:
  shared:
    versions:
    - { weight: 3, source: shared.ts, env: { GREETING: one } }
    - { weight: 1, source: shared.ts, env: { GREETING: two } }
    sticky: { header: x-user }
  every:${SETTINGS}`,
  "flows/order.yaml": '# Orders.\nsteps:\n  a: {fn: plain, with: "${ input.id }"}\n',
  "plain.ts": 'export default () => Deno.env.get("GREETING");\n',
  "shared.ts": 'export default () => Deno.env.get("GREETING");\n',
  "every.ts": "export default () => 1;\n",
  "project/main.ts": 'import { text } from "./lib/text.ts";\nexport default () => text;\n',
  "project/lib/text.ts": 'export const text = "from a project";\n',
  "project/data.bin": new Uint8Array([0, 1, 255]),
  "project/skiff.yaml": "timeout: 5s\nenv: { OWN: own }\n",
};

/** What a platform must carry so that functions go into files and back. */
export function roundTrip(title: string, { open, check = async () => {} }: RoundTripSubject): void {
  describe(`functions as files on ${title}`, () => {
    let skiff: Installation;
    before(async () => {
      skiff = await openWithSecret();
    });
    after(() => skiff.close());

    const openWithSecret = async (): Promise<Installation> => {
      const opened = await open();
      const { status } = await fetch(`${opened.url}/secret/db-password`, { method: "PUT", body: VALUE });
      assert.ok(status < 300, `the secret is answered with ${status}`);
      return opened;
    };
    const apply = async (body: Buffer, query = "", { url } = skiff): Promise<string[]> => {
      const response = await fetch(`${url}/apply?${query}`, { method: "POST", body: new Uint8Array(body) });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      const applied = JSON.parse(text) as Applied;
      const changes = (["topics", "flows", "subscriptions", "schedules"] as const).flatMap((plural) =>
        applied[plural].map(({ action, name }) => `${action} ${plural.slice(0, -1)}/${name}`).sort(),
      );
      return [...applied.functions.map(({ action, name }) => `${action} ${name}`), ...changes];
    };
    const exported = async (query = "", { url } = skiff): Promise<Buffer> => {
      const response = await fetch(`${url}/export${query}`);
      assert.equal(response.status, 200);
      return Buffer.from(await response.arrayBuffer());
    };
    const settingsOf = async (name: string, { url } = skiff) =>
      ((await (await fetch(`${url}/func/${name}`)).json()) as { settings: Record<string, unknown> }).settings;

    it("are deployed by an apply, with every kind of setting", async () => {
      const folder = await folderOf(FOLDER);
      assert.deepEqual(await apply(folder), [
        "create plain",
        "create project",
        "create shared",
        "create every",
        ...objects("create"),
      ]);
      assert.deepEqual(await settingsOf("every"), {
        ...{ min: 1, max: 4, concurrency: 7, timeoutMs: 1_500, idleMs: 90_000, memoryMiB: 256 },
        env: { TOKEN: "***", EMPTY: "***", LINES: "***" },
        permissions: { net: ["10.0.0.7", "public"], sys: ["cpus", "hostname"] },
        ...{ entry: "", hosts: ["a.example.com"], access: "key" },
        secrets: { PGPASSWORD: { secret: "db-password", version: 1 } },
        quota: { rate: "10/m", burst: 20, inFlight: 3, perMonth: 1_000 },
        cron: ["0 3 1,15 * *", "TZ=Europe/Berlin @hourly"],
        retry: { attempts: 3, backoffMs: 90_000, maxAgeMs: 3_600_000, on: ["429", "5xx"] },
        ...START_DEFAULTS,
      });
      const { max, timeoutMs, env } = await settingsOf("project");
      assert.deepEqual([max, timeoutMs, env], [5, 5_000, { OWN: "***" }]);
      await check(skiff.url);
    });

    it("stay as they are when the folder, or an export of it, is applied again", async () => {
      const functions = ["unchanged every", "unchanged plain", "unchanged project", "unchanged shared"];
      const unchanged = [...functions, ...objects("unchanged")];
      assert.deepEqual((await apply(gzipSync(await folderOf(FOLDER)))).sort(), unchanged.toSorted());
      assert.deepEqual(await apply(await exported()), unchanged);
      assert.deepEqual(await apply(await exported("?values=true")), unchanged);
    });

    it("are the same on another Skiff that gets the export", async () => {
      const other = await openWithSecret();
      try {
        const archive = await exported("?values=true");
        assert.deepEqual(await apply(archive, "", other), [
          "create every",
          "create plain",
          "create project",
          "create shared",
          ...objects("create"),
        ]);
        for (const name of ["every", "plain", "project", "shared"])
          assert.deepEqual(await settingsOf(name, other), await settingsOf(name));
        await check(other.url);
        assert.deepEqual(await apply(await exported("?values=true", other)), [
          "unchanged every",
          "unchanged plain",
          "unchanged project",
          "unchanged shared",
          ...objects("unchanged"),
        ]);
      } finally {
        await other.close();
      }
    });

    it("have the names of secrets in an export, not their values", async () => {
      const text = gunzipSync(await exported("?values=true")).toString();
      assert.ok(text.includes("PGPASSWORD: db-password"));
      assert.equal(text.includes(VALUE), false);
    });

    it("share their calls as the file says", async () => {
      const traffic = async ({ url } = skiff) => await (await fetch(`${url}/func/shared/traffic`)).json();
      const { weights, sticky } = (await traffic()) as { weights: object; sticky: object };
      assert.deepEqual([weights, sticky], [{ 1: 3, 2: 1 }, { header: "x-user" }]);
    });

    it("are changed and pruned one by one", async () => {
      const { "skiff.yaml": manifest, ...files } = FOLDER;
      const less = {
        ...files,
        "skiff.yaml": manifest.slice(manifest.indexOf("defaults:"), manifest.indexOf("  every:")),
        "plain.ts": "export default () => 2;\n",
      };
      assert.deepEqual(await apply(await folderOf(less), "dryRun&prune"), [
        "update plain",
        "unchanged project",
        "unchanged shared",
        "remove every",
        ...objects("remove"),
      ]);
      assert.deepEqual(await apply(await folderOf(less), "prune"), [
        "update plain",
        "unchanged project",
        "unchanged shared",
        "remove every",
        ...objects("remove"),
      ]);
      assert.deepEqual(await apply(await folderOf(less), "prune"), [
        "unchanged plain",
        "unchanged project",
        "unchanged shared",
      ]);
    });
  });
}
