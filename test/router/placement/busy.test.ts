import assert from "node:assert/strict";
import http from "node:http";
import { internalKey } from "../../../platform/keys/internal-key.ts";
import { Harness, send, until } from "../support/harness.ts";

/** An instance that admits calls as the runtime does (docs/concurrency.md). */
class AdmittingInstance {
  /** Calls that were admitted, in order, by their path. */
  readonly admitted: string[] = [];
  /** Bodies of admitted calls. */
  readonly bodies: string[] = [];
  refused = 0;
  most = 0;
  readonly #concurrency: number;
  readonly #open: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #reserved = new Set<string>();

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get server(): http.Server {
    return http.createServer(this.#receive);
  }

  readonly #receive: http.RequestListener = (request, response) => {
    const waitMs = Number(request.headers["x-skiff-wait"] ?? 0);
    const refuse = () => {
      this.refused++;
      response.writeHead(503, { "x-skiff-busy": "1", "content-length": 0 }).end();
    };
    const { "x-skiff-call-id": callId, "x-skiff-gone": gone } = request.headers;
    if (gone !== undefined) response.writeHead(204).end();
    else if (this.#reserved.delete(String(callId))) this.#admit(request, response);
    else if (this.#free > 0 && this.#waiting.size === 0) this.#take(request, response);
    else if (waitMs === 0) refuse();
    else {
      const begin = () => {
        clearTimeout(timer);
        this.#take(request, response);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(begin);
        refuse();
      }, waitMs);
      this.#waiting.add(begin);
      response.once("close", () => {
        clearTimeout(timer);
        this.#waiting.delete(begin);
      });
    }
  };

  get #free(): number {
    return this.#concurrency - this.#open.length - this.#reserved.size;
  }

  /** Gives the call a place, or the call that the probe is for. */
  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const place = request.headers["x-skiff-place"];
    if (place === undefined) this.#admit(request, response);
    else {
      this.#reserved.add(String(place));
      response.writeHead(204).end();
    }
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Answers the call that was admitted first. */
  answer(): void {
    this.#open.shift()?.();
  }

  #admit(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.admitted.push(request.url!);
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => this.bodies.push(body));
    this.#open.push(() => response.end(request.url));
    this.most = Math.max(this.most, this.#open.length);
    response.once("close", () => {
      for (const begin of this.#waiting) {
        this.#waiting.delete(begin);
        begin();
        break;
      }
    });
  }
}

describe("two routers with the same instances", () => {
  let one: Harness;
  let other: Harness;
  let instances: AdmittingInstance[];
  beforeEach(async () => {
    one = await Harness.start({ limits: { instanceWaitMs: 3_000 } });
    other = await Harness.start({ platform: one.platform, limits: { instanceWaitMs: 3_000 } });
  });
  afterEach(async () => {
    await other.close();
    await one.close();
  });

  async function serve(count: number, concurrency: number, settings = {}): Promise<void> {
    instances = Array.from({ length: count }, () => new AdmittingInstance(concurrency));
    const addresses = instances.map(({ server }) => one.listen(server, { answersProbes: false }));
    await one.publish("echo", await Promise.all(addresses), { concurrency, ...settings });
  }

  const admitted = () => instances.flatMap((instance) => instance.admitted);

  it("do not count the wait inside against the timeout of a call of Skiff itself", async () => {
    const { id, spec, text } = internalKey("token");
    other.keys.set(id, spec);
    await serve(1, 1, { timeoutMs: 1_500 });
    const [instance] = instances;
    const first = send(`${one.url}/fn/echo/first`);
    await until(() => instance!.admitted.length === 1, "the first is admitted");
    const second = send(`${other.url}/fn/echo/second`, { headers: { "x-skiff-key": text } });
    await until(() => instance!.waiting === 1, "the second waits inside");
    // Longer than half of it each: together more than the timeout.
    const held = async () => {
      const since = performance.now();
      await until(() => performance.now() - since > 900, "the call took its time");
      instance!.answer();
    };
    await held();
    assert.equal((await first).status, 200);
    await until(() => instance!.admitted.length === 2, "the second is admitted");
    await held();
    assert.deepEqual([(await second).status, (await second).body], [200, "/second"]);
  });

  it("wait inside an instance that has no place, and get it in order of arrival", async () => {
    await serve(1, 1);
    const [instance] = instances;
    const first = send(`${one.url}/fn/echo/first`);
    await until(() => instance!.admitted.length === 1, "the first is admitted");
    const second = send(`${other.url}/fn/echo/second`);
    await until(() => instance!.waiting === 1, "the second waits inside");
    instance!.answer();
    assert.equal((await first).body, "/first");
    await until(() => instance!.admitted.length === 2, "the second is admitted");
    instance!.answer();
    assert.equal((await second).body, "/second");
    assert.deepEqual([instance!.most, instance!.refused], [1, 1]);
    await other.idle();
  });

  it("find another instance that has a place", async () => {
    await serve(3, 1);
    const calls = [one, one, other].map((router, index) => send(`${router.url}/fn/echo/${index}`));
    await until(() => admitted().length === 3, "all are admitted");
    for (const instance of instances) {
      assert.equal(instance.admitted.length, 1);
      instance.answer();
    }
    assert.deepEqual(
      (await Promise.all(calls)).map(({ status }) => status),
      [200, 200, 200],
    );
  });

  for (const [title, body, headers] of [
    ["of known length", "x".repeat(60_000), { "content-length": "60000" }],
    ["in chunks", "x".repeat(1_000), { "transfer-encoding": "chunked" }],
    ["that is long", "x".repeat(3_000_000), { "content-length": "3000000" }],
  ] as const) {
    it(`send a body ${title} again, whole, after an instance refused it`, async () => {
      await serve(1, 1);
      const [instance] = instances;
      const first = send(`${one.url}/fn/echo/first`);
      await until(() => instance!.admitted.length === 1, "the first is admitted");
      const second = send(`${other.url}/fn/echo/second`, { method: "POST", headers, body });
      await until(() => instance!.waiting === 1, "the second waits inside");
      instance!.answer();
      await first;
      await until(() => instance!.bodies.includes(body), "the body has arrived");
      instance!.answer();
      assert.equal((await second).body, "/second");
    });
  }

  it("answer 503 no_capacity when an instance has no place for the whole wait", async () => {
    await other.close();
    other = await Harness.start({ platform: one.platform, limits: { instanceWaitMs: 500 } });
    await serve(1, 1);
    const first = send(`${one.url}/fn/echo/first`);
    await until(() => admitted().length === 1, "the first is admitted");
    const refused = await send(`${other.url}/fn/echo/second`);
    assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, "no_capacity"]);
    instances[0]!.answer();
    await first;
    await other.idle();
  });

  it("let go of an instance whose client leaves while it waits inside", async () => {
    await serve(1, 1);
    const first = send(`${one.url}/fn/echo/first`);
    await until(() => admitted().length === 1, "the first is admitted");
    const left = http.get(`${other.url}/fn/echo/second`, { agent: false }).on("error", () => {});
    await until(() => instances[0]!.waiting === 1, "the second waits inside");
    left.destroy();
    await until(() => instances[0]!.waiting === 0, "it does not wait any more");
    await other.idle();
    instances[0]!.answer();
    await first;
  });

  it("do not flood an instance that refuses every call at once", async () => {
    let asked = 0;
    await one.serve((_, response) => {
      asked++;
      response.writeHead(503, { "x-skiff-busy": "1", "content-length": 0 }).end();
    });
    const refused = await send(`${one.url}/fn/echo`);
    assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, "no_capacity"]);
    assert.ok(asked > 2 && asked < 40, `asked ${asked} times in 3 s`);
  });
});
