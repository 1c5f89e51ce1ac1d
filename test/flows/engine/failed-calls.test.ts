import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FlowRig, refuse } from "../support/flow-rig.ts";

describe("the error of a call that a step makes", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig({ env: { SKIFF_CALLBACK_HOSTS: "127.0.0.1" } });
    await rig.listen();
  });
  afterEach(() => rig.close());

  const failureOf = async (source: string) => {
    await rig.put("it", source);
    return (await rig.run(await rig.begin(await rig.start(), "it"), "failed")).error!;
  };
  const once = "{fn: a, retry: {attempts: 1}}";
  const problem = (response: ServerResponse, document: { status: number; [member: string]: unknown }) =>
    response
      .writeHead(document.status, { "content-type": "application/problem+json; charset=utf-8" })
      .end(JSON.stringify(document));

  it("names the function that threw, the status, and what Skiff says of it", async () => {
    rig.functions.set("a", (_, response) => {
      response.setHeader("x-skiff-error", "platform");
      const title = "The function threw an error";
      problem(response, { status: 500, title, detail: "The stack is in its log.", code: "function_error" });
    });
    assert.deepEqual(await failureOf(`steps: {a: ${once}}`), {
      type: "function_error",
      status: 500,
      message: 'The function "a" answered 500: The function threw an error. The stack is in its log.',
    });
  });

  it("has title and detail of a problem of the function", async () => {
    rig.functions.set("a", (_, response) =>
      problem(response, {
        status: 402,
        title: "Card declined",
        detail: "It expired.",
        code: "card_declined",
      }),
    );
    assert.deepEqual(await failureOf(`steps: {a: ${once}}`), {
      type: "card_declined",
      status: 402,
      message: 'The function "a" answered 402: Card declined. It expired.',
    });
    rig.functions.set("b", (_, response) => problem(response, { status: 400, title: "No id" }));
    const { message } = await failureOf("steps: {b: {fn: b}}");
    assert.equal(message, 'The function "b" answered 400: No id');
  });

  it("says that a redirect is no result", async () => {
    rig.functions.set("a", (_, response) => response.writeHead(302, { location: "/x" }).end());
    assert.deepEqual(await failureOf("steps: {a: {fn: a}}"), {
      type: "redirected",
      status: 302,
      message:
        'The function "a" answered 302, a redirect to /x. Steps do not follow redirects: call the target, or answer 2xx.',
    });
    rig.functions.set("/old", (_, response) => response.writeHead(308, { location: "/new" }).end());
    const { type, status } = await failureOf(`steps: {h: {http: "${rig.url}/old"}}`);
    assert.deepEqual([type, status], ["redirected", 308]);
    assert.equal(rig.received.length, 2);
  });

  describe("whose version is gone", () => {
    const versions = new Map<string, (response: ServerResponse) => unknown>();
    beforeEach(() => {
      versions.clear();
      rig.functions.set("a", ({ name }, response) => {
        const answer = versions.get(name);
        return answer === undefined ? refuse(response, 404, "unknown_version") : answer(response);
      });
    });

    it("is `unknown_version` if the definition names the version", async () => {
      versions.set("a", () => "present");
      await publish(rig.platform, draftOf("a", "// code"));
      const { type, status } = await failureOf("steps: {a: {fn: a@77}}");
      assert.deepEqual([type, status], ["unknown_version", 404]);
      assert.deepEqual(rig.calls(), ["a@77"]);
    });

    it("is none if the run chose the version: the present one is called", async () => {
      versions.set("a", () => "present");
      await publish(rig.platform, draftOf("a", "// code"));
      await rig.put("it", "steps: {a: {fn: a}}");
      const id = await rig.begin(await rig.start(), "it");
      assert.equal(await rig.output(id), "present");
      assert.deepEqual(rig.calls(), ["a@1", "a"]);
    });

    it("is none if the router learns of the version later than the flow: the call is made again", async () => {
      let calls = 0;
      versions.set("a@1", (response) => (++calls === 1 ? refuse(response, 404, "unknown_version") : "late"));
      await publish(rig.platform, draftOf("a", "// code"));
      await rig.put("it", "steps: {a: {fn: a@1}}");
      const id = await rig.begin(await rig.start(), "it");
      assert.equal(await rig.output(id), "late");
      assert.equal(calls, 2);
    });
  });
});
