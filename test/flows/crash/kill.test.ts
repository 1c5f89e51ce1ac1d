import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import { SkiffProgram } from "../../support/skiff/skiff-program.ts";

/** A run goes on within this time after Skiff listens again. */
const GOES_ON_MS = 2_000;
/** What it may take on a machine that is busy with other tests. */
const BUSY_MS = 20_000;

const orderFlow = (services: string) => `
steps:
  check: {http: {url: "${services}/check", method: POST}, with: "\${ input.id }"}
  reserve: {http: {url: "${services}/reserve", method: POST}, needs: [check]}
  charge: {http: {url: "${services}/charge", method: POST}, needs: [check, reserve]}
  mail: {fn: mail, with: "\${ steps.charge.output + steps.reserve.output }", needs: [charge, reserve]}
output: "\${ steps.mail.output }"
`;

/** Services that count their calls, and of which `charge` does not answer at first. */
class Services {
  readonly calls: { readonly path: string; readonly key: string; readonly atMs: number }[] = [];
  isHolding = true;
  readonly #server = createServer((request, response) => {
    const path = request.url!.slice(1);
    this.calls.push({ path, key: String(request.headers["idempotency-key"]), atMs: performance.now() });
    request.resume();
    if (path === "charge" && this.isHolding) return;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(`${path} `));
  });

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  keysOf(path: string): string[] {
    return this.calls.filter((call) => call.path === path).map(({ key }) => key);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe("kill -9 of Skiff in the middle of a run", function () {
  this.timeout(60_000);
  let folder: string;
  let services: Services;
  let skiff: SkiffProgram;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-runs-"));
    services = new Services();
  });
  afterEach(async () => {
    await skiff.close();
    services.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (env: Readonly<Record<string, string>>): Promise<string> => {
    skiff = new SkiffProgram(join(folder, "data"), { env: { SKIFF_CALLBACK_HOSTS: "127.0.0.1", ...env } });
    return await skiff.url();
  };

  const send = async (method: string, url: string, body: string): Promise<Response> => {
    const headers = { "content-type": body.startsWith("{") ? "application/json" : "text/plain" };
    const response = await fetch(url, { method, body, headers });
    assert.ok(response.status < 300, `${method} ${url}: ${response.status} ${await response.clone().text()}`);
    return response;
  };

  const goesOn = async (env: Readonly<Record<string, string>>) => {
    const flow = orderFlow(await services.listen());
    let url = await start(env);
    await send("POST", `${url}/func?name=mail`, "export default async (r) => Response.json(await r.text());");
    await send("PUT", `${url}/flow/order`, flow);
    const begun = await send("POST", `${url}/flow/order/run`, '{"id":"o1"}');
    const path = begun.headers.get("location")!;
    const run = async () => (await (await fetch(`${url}${path}`)).json()) as { state: string };
    // What came before `charge` is stored when it is called.
    await eventually("charge is called", () => services.calls.length === 3).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${JSON.stringify(await run())}\n${skiff.output}`);
    });
    skiff.signalAlone("SIGKILL");
    await skiff.ended();
    services.isHolding = false;

    url = await start(env);
    const listensMs = performance.now();
    await eventually("charge is called again", () => services.keysOf("charge").length === 2);
    const tookMs = services.calls.findLast((call) => call.path === "charge")!.atMs - listensMs;
    assert.ok(tookMs < BUSY_MS, `the run went on ${tookMs.toFixed(0)} ms after Skiff listened`);
    if (tookMs > GOES_ON_MS) console.log(`      the machine is busy: ${tookMs.toFixed(0)} ms`);
    const hasEnded = async () => !["running", "waiting", "retrying", "queued"].includes((await run()).state);
    await eventually("the run ends", hasEnded);
    const ended = await run();
    assert.equal(ended.state, "done", JSON.stringify(ended));
    const [first, second] = services.keysOf("charge");
    assert.equal(first, second);
    assert.equal(services.calls.length, 4, "check and reserve were called once");
  };

  it("on SQLite goes on with the step under way, and repeats no other one", () => goesOn({}));

  it("on PostgreSQL goes on with the step under way, and repeats no other one", async () => {
    await goesOn({ SKIFF_STORE: await (await sharedPostgres()).newDatabase() });
  });
});
