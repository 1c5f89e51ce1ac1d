import assert from "node:assert/strict";
import { canonicalSettings } from "../../../platform/settings/settings.ts";
import { apply, fromQuery } from "./applied.ts";

describe("settings of secrets", () => {
  it("give a variable the value of a secret, by a name of its own or that of the secret", () => {
    const expected = {
      DB_PASSWORD: { secret: "db-password", version: 0 },
      PGUSER: { secret: "u", version: 0 },
    };
    assert.deepEqual(fromQuery("secrets=db-password,PGUSER=u").secrets, expected);
    assert.deepEqual(fromQuery("secrets=db-password&secrets=PGUSER=u").secrets, expected);
    assert.deepEqual(apply({ secrets: ["db-password", "PGUSER=u"] }).secrets, expected);
    assert.deepEqual(
      apply({ secrets: { DB_PASSWORD: "db-password", PGUSER: { secret: "u" } } }).secrets,
      expected,
    );
    const byReference = apply({ env: { DB_PASSWORD: { secret: "db-password" }, PGUSER: { secret: "u" } } });
    assert.deepEqual([byReference.secrets, byReference.env], [expected, {}]);
  });

  it("set a variable in one place, the later one", () => {
    const secret = apply({ secrets: { A: "a" } }, apply({ env: { A: "text" } }));
    assert.deepEqual([secret.env, Object.keys(secret.secrets)], [{}, ["A"]]);
    const text = apply({ env: { A: "text" } }, secret);
    assert.deepEqual([text.env, text.secrets], [{ A: "text" }, {}]);
  });

  it("are removed with null, or all of them with none", () => {
    const both = apply({ secrets: { A: "a", B: "b" } });
    assert.deepEqual(Object.keys(apply({ secrets: { A: null } }, both).secrets), ["B"]);
    assert.deepEqual(fromQuery("secrets=none", both).secrets, {});
    assert.deepEqual(apply({ secrets: null }, both).secrets, {});
  });

  it("refuse what names no secret, and reserved variables", () => {
    for (const secrets of [
      { A: "Not_A_Name" },
      { A: 1 },
      { A: { secret: "a", version: -1 } },
      { DENO_DIR: "a" },
      "a",
      [1],
    ]) {
      assert.throws(() => apply({ secrets }), {
        code: "invalid_setting",
        extensions: { setting: "secrets" },
      });
    }
  });

  it("refuse a variable that one request sets twice", () => {
    const message = /secrets sets the variable A twice: set it once/;
    for (const query of ["secrets=A=x,A=y", "secrets=A=x&secrets=A=y", "secrets=a,A=y"]) {
      assert.throws(() => fromQuery(query), { code: "invalid_setting", message }, query);
    }
    assert.throws(() => apply({ secrets: ["A=x", "A=y"] }), { code: "invalid_setting", message });
    assert.throws(() => fromQuery("env=A=1&env=A=2"), /env sets the variable A twice/);
  });

  it("make another version with another version of the secret", () => {
    const [one, two] = [1, 2].map((version) => apply({ secrets: { A: { secret: "a", version } } }));
    assert.notEqual(canonicalSettings(one!), canonicalSettings(two!));
  });
});

describe("settings of a quota", () => {
  it("are read from the query and from JSON", () => {
    const quota = { rate: "10/m", burst: 5, inFlight: 2, perMonth: 1_000 };
    assert.deepEqual(fromQuery("rate=10/m&burst=5&inflight=2&monthly=1000").quota, quota);
    assert.deepEqual(apply({ quota }).quota, quota);
    assert.equal(fromQuery("rate=100").quota.rate, "100/s");
  });

  it("are removed one by one with none or null", () => {
    const quota = { rate: "10/m", burst: 5 };
    assert.deepEqual(fromQuery("rate=none", apply({ quota })).quota, { burst: 5 });
    assert.deepEqual(apply({ quota: { burst: null } }, apply({ quota })).quota, { rate: "10/m" });
    assert.deepEqual(apply({ quota: null }, apply({ quota })).quota, {});
  });

  it("refuse what is no quota", () => {
    for (const query of [
      "rate=0/s",
      "rate=fast",
      "rate=1/y",
      "burst=0",
      "inflight=-1",
      "monthly=1.5",
      "burst=1&burst=2",
    ]) {
      assert.throws(() => fromQuery(query), { code: "invalid_setting" }, query);
    }
    assert.throws(() => apply({ quota: { rat: "1/s" } }), /Did you mean "quota.rate"/);
  });
});

describe("the setting access", () => {
  it("is one of three words, and public by default", () => {
    for (const access of ["public", "key", "internal"])
      assert.equal(fromQuery(`access=${access}`).access, access);
    assert.equal(apply({ access: null }, fromQuery("access=key")).access, "public");
    assert.throws(() => fromQuery("access=secret"), /access must be public, key, internal/);
  });
});
