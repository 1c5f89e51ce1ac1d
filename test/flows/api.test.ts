import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are walked here, member by member.
type Any = any;

const SHOP = `
export default async (request: Request) => {
  const { id, fail } = await request.json();
  console.log("checked " + id);
  return fail ? Response.json({ code: "no_stock", detail: "Sold out." }, { status: 409 }) : { id, n: 1 };
};
`;
const ORDER = `
steps:
  check: {fn: shop, with: {id: "\${ input.id }", fail: "\${ input.fail }"}}
  ok: {approve: "Ship \${ input.id }?", needs: [check]}
  rows: {fn: shop, needs: [ok], each: [a, b], with: {id: "\${ item }", fail: false}}
output: "\${ steps.rows.output }"
`;

describe("flows over the API of a whole Skiff", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    assert.equal((await skiff.deploy("shop", SHOP)).status, 201);
    await api("PUT", "/flow/order", ORDER, 201);
  });
  after(() => skiff.close());

  async function api(method: string, path: string, body?: string, status = 200): Promise<Any> {
    const headers = { "content-type": body?.startsWith("{") ? "application/json" : "application/yaml" };
    const sent = body === undefined ? {} : { body, headers };
    const response = await fetch(`${skiff.url}${path}`, { method, ...sent });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : text;
  }
  const begin = async (input: object): Promise<string> => {
    const { url } = await api("POST", "/flow/order/run", JSON.stringify(input), 202);
    return url;
  };
  const reaches = (path: string, state: string) =>
    eventually(`the run is ${state}`, async () => (await api("GET", path)).state === state);

  it("run, wait for a person, and end with their steps and lines", async () => {
    const run = await begin({ id: "o-1", fail: false });
    await reaches(run, "waiting");
    await api("POST", `${run}/approve`, undefined, 202);
    const ended = await api("GET", `${run}?wait=30s`);
    assert.deepEqual(
      [ended.state, ended.output],
      [
        "done",
        [
          { id: "a", n: 1 },
          { id: "b", n: 1 },
        ],
      ],
    );
    assert.deepEqual([ended.steps.ok.state, ended.steps.rows.items.done], ["done", 2]);
    const check = await api("GET", `${run}/step/check`);
    assert.deepEqual(
      [check.input, check.output],
      [
        { id: "o-1", fail: false },
        { id: "o-1", n: 1 },
      ],
    );
    const lines: string = await api("GET", `${run}/logs`);
    for (const id of ["o-1", "a", "b"]) assert.match(lines, new RegExp(`checked ${id}$`, "m"));
    const item = await api("GET", `${run}/step/rows?item=1`);
    assert.deepEqual([item.input.id, item.output.id], ["b", "b"]);
  });

  it("fail with the error of their function, and go on when it is mended", async () => {
    const run = await begin({ id: "o-2", fail: true });
    const failed = await api("GET", `${run}?wait=30s`);
    assert.deepEqual(
      [failed.state, failed.step, failed.error.type],
      ["failed", "check", "no_stock"],
      failed.error.message,
    );
    const [listed] = (await api("GET", "/flow/order/run?state=failed")).runs;
    assert.deepEqual([listed.id, listed.step], [failed.id, "check"]);
    await api("POST", `${run}/retry`, undefined, 202);
    const again = await api("GET", `${run}?wait=30s`);
    assert.deepEqual([again.state, again.steps.check.attempts.length], ["failed", 2]);
    assert.deepEqual(
      again.history.map(({ kind, by }: Any) => [kind, by]),
      [["retried", "local"]],
    );
    await skiff.deploy("shop", SHOP.replace("return fail ?", "return fail === 'always' ?"));
    await api("POST", `${run}/retry?functions=current`, undefined, 202);
    await reaches(run, "waiting");
    assert.equal((await api("GET", run)).functions.shop, 2);
    await api("POST", `${run}/cancel`, undefined, 202);
    await reaches(run, "cancelled");
    await api("DELETE", run);
    await api("GET", run, undefined, 404);
  });

  it("are cancelled, paused and resumed", async () => {
    const run = await begin({ id: "o-3", fail: false });
    await reaches(run, "waiting");
    await api("POST", `${run}/pause`, undefined, 202);
    await reaches(run, "paused");
    await api("POST", `${run}/resume`, undefined, 202);
    await reaches(run, "waiting");
    await api("POST", `${run}/cancel?reason=Twice`, undefined, 202);
    await reaches(run, "cancelled");
    const { history, steps } = await api("GET", run);
    assert.deepEqual(
      history.map(({ kind }: Any) => kind),
      ["paused", "resumed", "cancelled"],
    );
    assert.deepEqual([steps.ok.state, steps.rows.state], ["cancelled", "pending"]);
    assert.equal((await api("GET", "/flow/order")).runs.cancelled >= 1, true);
  });
});
