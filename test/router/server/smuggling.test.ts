import assert from "node:assert/strict";
import { Harness, send, textOf, until } from "../support/harness.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { CHUNKS } from "../vectors/chunks.ts";
import { FIELDS } from "../vectors/fields.ts";
import { LENGTHS_AND_CODINGS } from "../vectors/lengths.ts";
import { OFFERS } from "../vectors/offers.ts";
import { PIPELINES } from "../vectors/pipelines.ts";
import { TARGETS } from "../vectors/targets.ts";
import type { Vector } from "../vectors/vector.ts";
import { VERSIONS } from "../vectors/versions.ts";

const VECTORS: readonly Vector[] = [
  ...LENGTHS_AND_CODINGS,
  ...CHUNKS,
  ...FIELDS,
  ...TARGETS,
  ...VERSIONS,
  ...OFFERS,
  ...PIPELINES,
];

describe("a request that is to be taken for something else", () => {
  let harness: Harness;
  let whole: string[] = [];
  let begun: string[] = [];
  beforeEach(async () => {
    whole = [];
    begun = [];
    harness = await Harness.start({ headersMs: 100, limits: { callBodyBytes: 1_000 } });
    await harness.serve(async (request, response) => {
      const line = `${request.method} ${request.url}`;
      begun.push(line);
      try {
        whole.push(`${line} ${await textOf(request.setEncoding("latin1"))}`);
        response.end(request.method === "HEAD" ? undefined : "ok");
      } catch {
        // It broke off.
      }
    });
  });
  afterEach(() => harness.close());

  for (const { title, bytes, answers, connection: end, calls, brokenOff } of VECTORS) {
    it(`(${title}): ${answers.join(", ")}, ${end}`, async () => {
      const connection = new RawConnection(harness.port);
      connection.write(bytes);
      await connection.answered(answers.length);
      const expected = [...calls];
      if (end === "closed") {
        await connection.closed();
        assert.deepEqual(connection.answers(), answers);
      } else {
        assert.deepEqual(connection.answers(), answers);
        connection.write("GET /fn/echo/after HTTP/1.1\r\nHost: h\r\n\r\n");
        await connection.answered(answers.length + 1);
        assert.deepEqual(connection.answers(), [...answers, "200"]);
        expected.push("GET /after ");
      }
      connection.destroy();
      assert.equal((await send(`${harness.url}/fn/echo/alive`)).status, 200, "the router is alive");
      expected.push("GET /alive ");
      await harness.idle();
      assert.deepEqual(whole.toSorted(), expected.toSorted());
      const known = new Set(whole.map((call) => call.split(" ", 2).join(" ")));
      for (const line of begun)
        assert.ok(known.has(line) || line === brokenOff, `${line} reached the function`);
    });
  }

  it("(the second half of what node lost with a declined offer) is not taken for a request", async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const seen: string[] = [];
    const slow = await harness.instance(async (request, response) => {
      seen.push(request.url!);
      await go;
      response.end("ok");
    });
    await harness.publish("slow", [slow]);
    const connection = new RawConnection(harness.port);
    const lost = "POST /fn/slow/lost HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n";
    connection.write(
      `GET /fn/slow/a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n${lost}`,
    );
    await until(() => seen.length === 1, "the first call reached the function");
    connection.write("GET /fn/slow/smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
    // The router has read the bytes of this connection before it reads those of a later one.
    assert.equal((await send(`${harness.url}/fn/echo/alive`)).status, 200);
    resolve();
    await connection.closed();
    assert.deepEqual(connection.answers(), ["200"]);
    assert.deepEqual(seen, ["/a"]);
  });
});
