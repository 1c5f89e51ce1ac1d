import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

const NAME = "logs-kept";
const SOURCE = `export default (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/bad") throw new Error("it is bad");
  console.warn("path", pathname);
  return "ok";
};
`;

interface Line {
  readonly text: string;
  readonly version?: number;
  readonly instance: string;
  readonly stream: string;
  readonly level: string;
  readonly callId?: string;
  readonly status?: number;
  readonly id: string;
}

describe("logs on the cluster", () => {
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    if ((await skiff.remove(NAME)) === 200) await skiff.nothingIsLeft(NAME);
    const { status, body } = await skiff.deploy(NAME, SOURCE, "min=1");
    assert.equal(status, 201, JSON.stringify(body));
  });
  after(async () => {
    await skiff.remove(NAME);
    await skiff.close();
  });

  async function lines(query: string): Promise<Line[]> {
    const headers = { accept: "application/x-ndjson" };
    const answer = await skiff.manage(`/func/${NAME}/logs?${query}`, { headers });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  async function call(path: string): Promise<string> {
    const answer = await skiff.call(NAME, path);
    await answer.text();
    return answer.headers.get("x-skiff-call-id")!;
  }

  const found = (what: string, query: string, count: number, withinMs = 10_000) =>
    eventually(what, async () => (await lines(query)).length === count, withinMs);

  it("have level, version and call, within a second", async () => {
    await call("/warm");
    await found("the store takes lines", "search=/warm", 1);
    const id = await call("/one");
    await found("the line of the call", `call=${id}`, 1, 1_500);
    const [line] = await lines(`call=${id}`);
    assert.deepEqual(
      [line!.text, line!.version, line!.level, line!.stream, line!.callId],
      ["path /one", 1, "warn", "stderr", id],
    );
  });

  it("have a line for a failed call beside what it printed", async () => {
    const id = await call("/bad");
    await found("both lines", `call=${id}`, 2);
    const both = await lines(`call=${id}`);
    assert.deepEqual(both.map(({ stream }) => stream).sort(), ["call", "stderr"]);
    assert.match(both.find(({ stream }) => stream === "stderr")!.text, /Error: it is bad\n {4}at /);
    const [failed] = await lines("status=5xx");
    assert.deepEqual([failed!.status, failed!.callId], [500, id]);
  });

  it("stay when their pods and the managers are gone, each line once", async () => {
    const paths = Array.from({ length: 20 }, (_, n) => `/gone-${n}`);
    for (const path of paths) await call(path);
    await found("all lines", "since=1h&search=/gone-", paths.length);
    const before = await lines("since=1h&search=/gone-");
    await kubectl("delete", "pods", "-n", "skiff", "-l", "app=skiff-manager", "--wait=true");
    await kubectl(
      "delete",
      "pods",
      "-n",
      "skiff-functions",
      "-l",
      `skiff.dev/function=${NAME}`,
      "--wait=true",
    );
    await eventually(
      "calls are answered",
      async () => (await skiff.call(NAME, "/again")).status === 200,
      60_000,
    );
    await eventually(
      "lines of new pods are kept",
      async () => {
        const answer = await skiff.manage(`/func/${NAME}/logs?search=/again`).catch(() => undefined);
        return answer?.status === 200 && (await answer.text()).includes("/again");
      },
      60_000,
    );
    assert.deepEqual(await lines("since=1h&search=/gone-"), before);
    const [first] = before;
    const headers = { accept: "application/x-ndjson", "last-event-id": first!.id };
    const rest = await (await skiff.manage(`/func/${NAME}/logs?search=/gone-`, { headers })).text();
    assert.equal(rest.split("\n").length - 1, paths.length - 1);
  });
});
