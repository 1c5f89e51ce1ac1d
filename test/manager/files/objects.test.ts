import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import request from "supertest";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { type Applied, apply, type Files, folderOf } from "./folders.ts";

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");

const SHOP = {
  "skiff.yaml": `functions:
  mail:
topics:
  orders: { paths: [/shop], keepFor: 24h }
  mails:
subscriptions:
  mail: { topic: orders, function: mail, filter: { exact: { type: order.made } } }
schedules:
  report:
    cron: 0 3 * * *
    call: { function: mail, body: { kind: report } }
`,
  "mail.ts": "export default () => 1;\n",
};
const manifest = (text: string) => ({ "skiff.yaml": text, "mail.ts": SHOP["mail.ts"] });

/** `create topic/orders done` for each topic, subscription and schedule of an answer. */
function changes({ body }: request.Response): string[] {
  const applied = body as Applied;
  return (["topics", "subscriptions", "schedules"] as const).flatMap((plural) =>
    applied[plural].map(({ action, name, state }) => `${action} ${plural.slice(0, -1)}/${name} ${state}`),
  );
}

describe("manager: topics, subscriptions and schedules as files", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const applyTo = (files: Files, query = "") => apply(skiff.url, files, query);
  const names = async () => {
    const kinds = ["Topic", "Subscription", "Schedule"];
    const lists = await Promise.all(
      kinds.map((kind) => skiff.platform.declarations.list(kind, { limit: 9 })),
    );
    return lists.flat().map(({ name }) => name);
  };
  const all = (action: string, state: string) =>
    ["topic/orders", "topic/mails", "subscription/mail", "schedule/report"].map(
      (name) => `${action} ${name} ${state}`,
    );

  it("come into being as they are declared, and the second time nothing happens", async () => {
    const first = await applyTo(SHOP);
    assert.equal(first.status, 200, first.text);
    assert.deepEqual(changes(first), all("create", "done"));
    const { spec, revision } = (await skiff.platform.declarations.get("Subscription", "mail"))!;
    assert.deepEqual(spec, {
      topic: "orders",
      function: "mail",
      filter: { exact: { type: "order.made" } },
    });
    assert.deepEqual((await skiff.platform.declarations.get("Topic", "mails"))!.spec, {});
    assert.deepEqual(changes(await applyTo(SHOP)), all("unchanged", "done"));
    assert.equal((await skiff.platform.declarations.get("Subscription", "mail"))!.revision, revision);
  });

  it("are the same in another order of members", async () => {
    await applyTo(SHOP);
    const other = SHOP["skiff.yaml"].replace(
      "topic: orders, function: mail",
      "function: mail, topic: orders",
    );
    assert.deepEqual(changes(await applyTo(manifest(other))), all("unchanged", "done"));
  });

  it("are only planned with dryRun, with what would change in them", async () => {
    assert.deepEqual(changes(await applyTo(SHOP, "dryRun")), all("create", "planned"));
    assert.deepEqual(await names(), []);
    await applyTo(SHOP);
    const later = manifest(SHOP["skiff.yaml"].replace("24h", "48h").replace("  mails:\n", ""));
    const plan = await request(skiff.url)
      .post("/apply?dryRun&prune")
      .set("accept", "text/plain")
      .send(await folderOf(later));
    assert.equal(
      plan.text,
      `= unchanged mail
~ update topic/orders
--- a/topic
+++ b/topic
@@ -1,3 +1,3 @@
-keepFor: 24h
+keepFor: 48h
 paths:
   - /shop
- remove topic/mails
= unchanged subscription/mail
= unchanged schedule/report
Plan: 1 update, 3 unchanged, 1 remove.
`,
    );
    assert.deepEqual(await names(), ["mails", "orders", "mail", "report"]);
  });

  it("stay without prune, and go with it", async () => {
    await applyTo(SHOP);
    const bare = manifest("functions:\n  mail:\n");
    assert.deepEqual(changes(await applyTo(bare)), []);
    assert.deepEqual((await names()).length, 4);
    const pruned = await applyTo(bare, "prune");
    assert.equal(pruned.status, 200, pruned.text);
    assert.deepEqual(changes(pruned).sort(), all("remove", "done").sort());
    assert.deepEqual(await names(), []);
  });

  it("that are topics share no path of the gateway", async () => {
    const topics = (text: string) => manifest(`functions:\n  mail:\ntopics:\n${text}`);
    const both = await applyTo(topics("  a: { paths: [/in] }\n  b: { paths: [/in] }\n"));
    assert.deepEqual([both.status, both.body.code], [400, "invalid_declaration"]);
    assert.match(both.body.detail, /^topic "a": The topic "b" has the path \/in/);
    await applyTo(topics("  a: { paths: [/in] }\n"));
    const taken = await applyTo(topics("  b: { paths: [/in] }\n"), "dryRun");
    assert.match(taken.body.detail, /^topic "b": The topic "a" has the path \/in/);
    const moved = await applyTo(topics("  b: { paths: [/in] }\n"), "prune");
    assert.deepEqual(changes(moved), ["create topic/b done", "remove topic/a done"]);
  });

  it("are applied with a warning if their function is not there", async () => {
    const text = SHOP["skiff.yaml"].replace("orders, function: mail", "orders, function: post");
    const warning = 'subscription "mail": there is no function "post", neither deployed nor in the folder';
    for (const query of ["dryRun", ""]) {
      assert.deepEqual((await applyTo(manifest(text), query)).body.warnings, [warning]);
    }
    assert.deepEqual((await applyTo(SHOP)).body.warnings, []);
    await applyTo({ ...manifest("functions:\n  post:\n"), "post.ts": SHOP["mail.ts"] });
    assert.deepEqual((await applyTo(manifest(text))).body.warnings, []);
  });

  it("can be all that a file declares, but then prune is refused", async () => {
    const topics = { "skiff.yaml": "topics:\n  orders:\n" };
    const answer = await applyTo(topics);
    assert.deepEqual([changes(answer), answer.body.functions], [["create topic/orders done"], []]);
    const { status, body } = await applyTo(topics, "prune");
    assert.deepEqual([status, body.code], [400, "invalid_request"]);
    assert.match(body.detail, /this skiff\.yaml has no "functions:"/);
  });

  it("that call a function which fails are left as they are, and nothing is removed", async () => {
    await applyTo({ "skiff.yaml": "topics:\n  old:\n" });
    const { status, body, ...answer } = await applyTo({ ...SHOP, "mail.ts": "BROKEN" }, "prune");
    assert.deepEqual([status, body.code], [422, "apply_failed"]);
    assert.match(body.detail, /^1 of 6 changes failed; .*\nmail: main\.ts:3:7/);
    assert.deepEqual(changes({ body, ...answer } as request.Response), [
      "create topic/orders done",
      "create topic/mails done",
      "remove topic/old skipped",
      "create subscription/mail skipped",
      "create schedule/report skipped",
    ]);
    assert.deepEqual(await names(), ["mails", "old", "orders"]);
    assert.equal((await applyTo(SHOP, "prune")).status, 200);
    assert.deepEqual(await names(), ["mails", "orders", "mail", "report"]);
  });

  it("come back from an export", async () => {
    await applyTo(SHOP);
    const packed = await request(skiff.url)
      .get("/export")
      .buffer()
      .parse((response, done) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => done(null, Buffer.concat(parts)));
      });
    const text = gunzipSync(packed.body as Buffer).toString();
    for (const member of ["topics:\n  mails: {}\n  orders:", "subscriptions:\n  mail:", "cron: 0 3 * * *"])
      assert.ok(text.includes(member), `${member} in ${text}`);
    const other = await startManager();
    try {
      const send = () => request(other.url).post("/apply?prune").send(packed.body);
      assert.deepEqual(changes(await send()).sort(), all("create", "done").sort());
      assert.deepEqual(changes(await send()).sort(), all("unchanged", "done").sort());
    } finally {
      await other.stop();
    }
  });

  it("are refused for a key that is limited to some functions, which neither exports nor removes them", async () => {
    const limited = await startManager({ access: { mode: "token", tokenHash, whereabouts: "" } });
    try {
      const by = (key: string) => request.agent(limited.url).set({ authorization: `Bearer ${key}` });
      const created = await by(TOKEN)
        .post("/key")
        .send({ name: "ci", scopes: ["read", "deploy"], functions: ["mail"] });
      const send = async (key: string, files: Files, query = "") =>
        await by(key)
          .post(`/apply?${query}`)
          .send(await folderOf(files));
      const refused = await send(created.body.key, SHOP);
      assert.deepEqual([refused.status, refused.body.code], [403, "insufficient_scope"]);
      await send(TOKEN, SHOP);
      const bare = manifest("functions:\n  mail:\n");
      assert.deepEqual(changes(await send(created.body.key, bare, "prune")), []);
      const exported = await by(created.body.key).get("/export").buffer().responseType("blob");
      assert.ok(!gunzipSync(exported.body as Buffer).includes("orders"));
    } finally {
      await limited.stop();
    }
  });

  describe("of a function with a topic", () => {
    const former = (channel: string) => ({
      "functions.yaml": `functions:\n- name: mail\n  topic: orders\n${channel}  command: [/bin/mail]\n`,
      "mail.ts": SHOP["mail.ts"],
    });

    it("are a subscription of its name, whose group is the channel", async () => {
      const answer = await applyTo(former("  channel: senders\n"));
      assert.deepEqual(changes(answer), ["create subscription/mail done"]);
      const { spec } = (await skiff.platform.declarations.get("Subscription", "mail"))!;
      assert.deepEqual(spec, { topic: "orders", function: "mail", group: "senders" });
      assert.deepEqual(changes(await applyTo(former(""))), ["update subscription/mail done"]);
    });

    it("are in a skiff.yaml too, also of a function with several versions", async () => {
      const text =
        "functions:\n  mail:\n    topic: orders\n    versions:\n    - {weight: 1, source: mail.ts}\n";
      assert.deepEqual(changes(await applyTo(manifest(text))), ["create subscription/mail done"]);
    });
  });

  const refused: Record<string, [text: string, detail: RegExp]> = {
    "a member that there is not": [
      "subscriptions:\n  a:\n    topic: b\n    function: mail\n    filtre: {}\n",
      /^skiff\.yaml:5:5: subscription "a": Unknown member "filtre"\. Did you mean "filter"\?/,
    ],
    "a wrong value": [
      "functions:\n  mail:\ntopics:\n  orders:\n    access: everybody\n",
      /^skiff\.yaml:5:5: topic "orders": access is "everybody": use key or public\./,
    ],
    "no target": ["schedules:\n  a: {cron: 0 3 * * *}\n", /^skiff\.yaml:2:3: schedule "a": .*one target/],
    "times that cannot be read": [
      'schedules:\n  a:\n    cron: "0 25 * * *"\n    call: { function: mail }\n',
      /^skiff\.yaml:3:5: schedule "a": .*0 25 \* \* \*/,
    ],
    "a wrong name": ["topics:\n  A:\n", /^skiff\.yaml:2:3: "A" is not a valid name: use 1 to 63/],
    "a list": ["topics: [a]\n", /^skiff\.yaml:1:1: topics must be an object of topics by name/],
    "a text": ["topics:\n  a: b\n", /^skiff\.yaml:2:3: "a" must be an object, not "b"\./],
    "a setting beside them": ["memory: 1Gi\ntopics:\n", /^skiff\.yaml:1:1: "memory" is a setting of one/],
    "a misspelled map": [
      "functions:\n  mail:\nsubscription:\n",
      /^skiff\.yaml:3:1: Unknown member "subscription"\. Did you mean "subscriptions"\?/,
    ],
    "a channel alone": [
      "functions:\n  mail: {channel: a}\n",
      /^skiff\.yaml:2:10: "mail" has a channel, but no topic/,
    ],
    "a wrong topic of a function": [
      "functions:\n  mail: {topic: Orders}\n",
      /^skiff\.yaml:2:10: subscription "mail": topic is "Orders": use a name/,
    ],
    "two subscriptions of one name": [
      "functions:\n  mail: {topic: a}\nsubscriptions:\n  mail: {topic: b, function: mail}\n",
      /^skiff\.yaml:2:10: The topic of "mail" makes a subscription "mail", which is declared too/,
    ],
  };
  for (const [what, [text, detail]] of Object.entries(refused)) {
    it(`are refused with ${what}, and nothing changes`, async () => {
      const { status, body } = await applyTo(manifest(text));
      assert.deepEqual([status, body.code], [400, "invalid_declaration"], JSON.stringify(body));
      assert.match(body.detail, detail);
      assert.deepEqual(await names(), []);
    });
  }
});
