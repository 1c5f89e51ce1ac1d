import assert from "node:assert/strict";
import { callbackSecret } from "../../events/callback-settings.ts";
import { createEvents } from "../../events/events.ts";
import type { EventsOptions } from "../../events/services.ts";
import { callbackHosts } from "../../http/addresses/callback-hosts.ts";

describe("the settings of callbacks", () => {
  it("are checked at the start", () => {
    for (const env of [{ SKIFF_CALLBACK_HOSTS: "http://x/" }, { SKIFF_CALLBACK_SECRET: "a" }]) {
      const start = () => createEvents({ env } as unknown as EventsOptions);
      assert.throws(start, { message: /^SKIFF_CALLBACK_/ });
    }
  });

  it("list hosts with and without a port", () => {
    const hosts = callbackHosts({ SKIFF_CALLBACK_HOSTS: " Hooks.internal:8080, 10.0.0.7,[::1]:80," });
    assert.deepEqual([...hosts], ["hooks.internal:8080", "10.0.0.7", "[::1]:80"]);
    assert.equal(callbackHosts({}).size, 0);
  });

  for (const entry of ["10.0.0.0/8", "http://x/", "::1", "a b", "host:port"]) {
    it(`refuse the host "${entry}"`, () => {
      const read = () => callbackHosts({ SKIFF_CALLBACK_HOSTS: `ok,${entry}` });
      assert.throws(read, { message: /^SKIFF_CALLBACK_HOSTS: ".+" is not a host: use names or addresses/ });
    });
  }

  it("have a secret as text or as base64, or none", () => {
    for (const secret of ["a secret of the installation", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
      assert.equal(callbackSecret({ SKIFF_CALLBACK_SECRET: secret }), secret);
    for (const env of [{}, { SKIFF_CALLBACK_SECRET: "" }]) assert.equal(callbackSecret(env), undefined);
  });

  for (const [secret, message] of [
    ["a", /has less than 16 bytes: use a longer/],
    ["whsec_!!!", /is not base64 after whsec_/],
    ["whsec_c2hvcnQ=", /has less than 16 bytes: use a longer/],
  ] as const) {
    it(`refuse the secret ${secret}`, () => {
      assert.throws(() => callbackSecret({ SKIFF_CALLBACK_SECRET: secret }), { message });
    });
  }
});
