import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { INLINE_BYTES } from "../../../store/bodies.ts";
import { type StartedIntake, startIntake } from "../../events/intake/started-intake.ts";
import { eventually } from "../../support/eventually.ts";

const MOST = 64;

describe("long bodies that arrive at the same time", () => {
  let intake: StartedIntake;
  beforeEach(async () => {
    intake = await startIntake();
  });
  afterEach(() => intake.stop());

  /** A request whose body stops beyond what fits into a row. */
  const begin = () => {
    const request = httpRequest(`${intake.url}/async/fn/hello`, {
      method: "POST",
      headers: { "content-length": 2 * INLINE_BYTES },
    });
    request.on("error", () => {});
    request.write(Buffer.alloc(INLINE_BYTES + 1));
    return request;
  };

  it("are bounded, and room is there again when one has ended", async () => {
    const requests = Array.from({ length: MOST }, begin);
    await eventually("all are under way", () => intake.writing === MOST);
    const [refused] = (await once(begin(), "response")) as [IncomingMessage];
    assert.deepEqual([refused.statusCode, refused.headers["retry-after"]], [503, "5"]);
    assert.match(await text(refused), /too_many_uploads.*64 bodies over 64 KiB are being stored/);
    assert.equal((await intake.send("/async/fn/hello", { method: "POST", body: "short" })).status, 202);
    requests[0]!.destroy();
    await eventually("one has ended", () => intake.writing === MOST - 1);
    const body = Buffer.alloc(2 * INLINE_BYTES);
    assert.equal((await intake.send("/async/fn/hello", { method: "POST", body })).status, 202);
    for (const request of requests) request.destroy();
  });
});
