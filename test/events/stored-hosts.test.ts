import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { rawRequest } from "../support/raw-request.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const saying = (what: string) =>
  `export default () => { console.log("${what}"); return new Response("${what}"); };`;

describe("a stored request with the host name of another function", () => {
  let skiff: StartedSkiff;
  before(async function () {
    this.timeout(60_000);
    skiff = await startedSkiff();
    await Promise.all([
      skiff.deploy("open", saying("open")),
      skiff.deploy("shop", saying("secret"), "access=key"),
    ]);
  });
  after(() => skiff.close());

  const send = async (method: string, path: string, body?: unknown) => {
    const headers = { "content-type": "application/json" };
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers };
    const answer = await fetch(`${skiff.url}${path}`, { method, ...init });
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer;
  };
  /** Posts with a Host that fetch does not send. */
  const post = (target: string) => {
    const head = `POST ${target} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n`;
    return rawRequest(Number(new URL(skiff.url).port), head);
  };

  it("goes to the function that was asked for, from /async and from the gateway; a schedule cannot name one", async function () {
    this.timeout(60_000);
    await send("PUT", "/topic/hooks", { paths: ["/hooks"], replyTimeout: "0s", access: "public" });
    await send("PUT", "/subscription/hooks", { topic: "hooks", function: "open", paused: true });
    const call = await post("/async/fn/open/?delay=3s");
    assert.equal(call.status, 202, call.body);
    assert.equal((await post("/gateway/hooks/x")).status, 202);
    // From now on the name is that of a function that asks for a key.
    await send("PATCH", "/func/shop", { hosts: ["shop.test"] });
    await send("POST", "/subscription/hooks/resume");
    const result = await send("GET", `${call.headers.get("location")}/result?wait=20s`);
    assert.equal(await result.text(), "open");
    const late = { cron: "@yearly", call: { function: "open", headers: { host: "shop.test" } } };
    const refused = await fetch(`${skiff.url}/schedule/late`, { method: "PUT", body: JSON.stringify(late) });
    assert.equal(refused.status, 400);
    const lines = async (name: string) => (await send("GET", `/func/${name}/logs`)).text();
    await eventually(
      "both went to it",
      async () => (await lines("open")).match(/open$/gm)?.length === 2,
      20_000,
    );
    assert.doesNotMatch(await lines("shop"), /secret/);
  });
});
