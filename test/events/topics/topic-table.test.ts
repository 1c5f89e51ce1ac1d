import assert from "node:assert/strict";
import { TopicTable } from "../../../events/topics/topic-table.ts";

describe("the table of topics", () => {
  let table: TopicTable;
  beforeEach(() => {
    table = new TopicTable();
  });
  const subscribe = (spec: object) =>
    table.setSubscription("mail", { topic: "orders", function: "f", ...spec });

  it("keeps the last valid spec of a topic while the new one is not valid", () => {
    table.setTopic("orders", { access: "public", keepFor: "300h", paths: ["/in"] });
    assert.match(table.setTopic("orders", { keepFor: "300 hours" })!, /keepFor/);
    assert.deepEqual(table.topic("orders"), { access: "public", keepFor: "300h", paths: ["/in"] });
    assert.equal(table.paths().get("/in"), "orders");
    assert.equal(table.isUnclear("orders"), false);
    table.setTopic("orders", undefined);
    assert.equal(table.topic("orders"), undefined);
  });

  it("has a topic with all defaults while its spec was never valid", () => {
    table.setTopic("orders", { access: "everybody" });
    assert.deepEqual(table.topic("orders"), {});
    assert.ok(table.isUnclear("orders"));
    table.setTopic("orders", { access: "public" });
    assert.equal(table.isUnclear("orders"), false);
    table.setTopic("orders", undefined);
    assert.equal(table.topic("orders"), undefined);
  });

  it("keeps the last valid spec of a subscription while the new one is not valid", () => {
    assert.equal(subscribe({}), undefined);
    assert.match(subscribe({ from: "yesterday", group: "other" })!, /from/);
    assert.deepEqual([...table.groups().keys()], ["orders/mail"]);
    assert.equal(table.unclearSubscriptions().size, 0);
    table.setSubscription("mail", undefined);
    assert.equal(table.groups().size, 0);
  });

  it("has topics that a flow names, until it names them no longer", () => {
    const flow = { flow: "order", on: { topics: [], crons: [] }, createdAt: new Date(0) };
    table.setFlow("order", { ...flow, topics: ["paid"] });
    assert.deepEqual(table.topic("paid"), {});
    assert.equal(table.groups().size, 0);
    table.setFlow("order", { ...flow, topics: ["sent"] });
    assert.deepEqual([table.topic("paid"), table.topic("sent")], [undefined, {}]);
    table.setFlow("order", undefined);
    assert.equal(table.topic("sent"), undefined);
  });

  it("does not know who wants which event of a group while the spec of a member was never valid", () => {
    const isUnclear = () => table.groups().get("orders/mail")!.isUnclear;
    subscribe({});
    table.setSubscription("other", { topic: "orders", group: "mail", function: "f", from: "yesterday" });
    assert.ok(isUnclear());
    table.setSubscription("other", { topic: "orders", group: "mail", function: "f" });
    assert.ok(!isUnclear());
    table.setSubscription("other", { topic: "orders", group: "mail", from: "yesterday" });
    assert.ok(!isUnclear(), "its last valid spec is in force");
    table.setSubscription("third", { topic: "orders", group: "mail", from: "yesterday" });
    assert.ok(isUnclear());
    table.setSubscription("third", undefined);
    assert.ok(!isUnclear());
  });

  it("knows of subscriptions whose spec was never valid", () => {
    subscribe({ from: "yesterday" });
    assert.deepEqual([...table.unclearSubscriptions().keys()], ["mail"]);
    assert.equal(table.groups().size, 0);
    subscribe({});
    assert.equal(table.unclearSubscriptions().size, 0);
  });
});
