import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

interface Record {
  readonly state: string;
  readonly reason?: string;
  readonly attempts: readonly { readonly number: number; readonly status?: number }[];
}

const ECHO = `
export default async (request) => {
  const url = new URL(request.url);
  const text = await request.text();
  return new Response([request.method, url.pathname + url.search, text].join(" "), { status: text === "bad" ? 400 : 200 });
};
`;

describe("asynchronous calls on a cluster", function () {
  this.timeout(180_000);
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    for (const [name, settings] of [
      ["echoed", "min=1"],
      ["hidden", "min=1&access=internal"],
      ["asleep", "min=0&idle=1s"],
    ] as const) {
      const { status, body } = await skiff.deploy(name, ECHO, settings);
      assert.equal(status, 201, JSON.stringify(body));
    }
  });
  after(async () => {
    for (const name of ["echoed", "hidden", "asleep"]) await skiff.remove(name);
    await skiff.close();
  });

  const accept = async (path: string, init: RequestInit = {}) => {
    const response = await skiff.send(`/async/fn/${path}`, { method: "POST", ...init });
    assert.equal(response.status, 202, await response.clone().text());
    const { id } = (await response.json()) as { id: string };
    assert.equal(response.headers.get("location"), `/call/${id}`);
    return id;
  };
  const show = async (id: string) => (await (await skiff.manage(`/call/${id}`)).json()) as Record;
  const ended = async (id: string, withinMs = 60_000) => {
    let record = await show(id);
    await eventually(
      `call ${id} ends`,
      async () => {
        record = await show(id);
        return !["waiting", "running"].includes(record.state);
      },
      withinMs,
    );
    return record;
  };

  it("run, and their answers are read back from the manager", async () => {
    const id = await accept("echoed/a/b?x=1", { method: "PUT", body: "hello" });
    const { state, attempts } = await ended(id);
    assert.deepEqual([state, attempts.length, attempts[0]?.status], ["done", 1, 200]);
    const result = await skiff.manage(`/call/${id}/result`);
    assert.equal(await result.text(), "PUT /a/b?x=1 hello");
  });

  it("reach functions that are internal, and wake those that sleep, at their first attempt", async () => {
    await skiff.asleep("asleep");
    for (const name of ["hidden", "asleep"]) {
      const { state, attempts } = await ended(await accept(name), 90_000);
      assert.deepEqual([state, attempts.map(({ status }) => status)], ["done", [200]], name);
    }
    const plain = await skiff.call("hidden");
    assert.equal(plain.status, 404, "from outside it is not there");
  });

  it("are dead with the reason where the function refuses them", async () => {
    const { state, reason } = await ended(await accept("echoed", { body: "bad" }));
    assert.equal(state, "dead");
    assert.match(reason!, /400/);
  });

  it("are refused at once for a function that there is not", async () => {
    const response = await skiff.send("/async/fn/nobody", { method: "POST" });
    assert.equal(response.status, 404);
    assert.equal(((await response.json()) as { code: string }).code, "unknown_function");
  });

  it("with a large body pass through the database", async () => {
    const body = Buffer.alloc(3 * 1024 ** 2, "x");
    const id = await accept("echoed", { body });
    assert.equal((await ended(id)).state, "done");
    const result = await skiff.manage(`/call/${id}/result`);
    assert.equal((await result.text()).length, body.length + "POST / ".length);
  });

  it("show in the metrics of the program, which has an equation without drift", async () => {
    const [pod] = (
      await kubectl(
        "get",
        "pods",
        "-n",
        "skiff",
        "-l",
        "app=skiff-events",
        "-o",
        "jsonpath={.items[*].status.podIP}",
      )
    ).split(" ");
    const text = await (await fetch(`http://${pod}:8081/metrics`)).text();
    assert.match(text, /^skiff_async_accepted_total\{[^}]*echoed[^}]*\} [1-9]\d*$/m);
    assert.match(text, /^skiff_async_drift 0$/m);
  });
});
