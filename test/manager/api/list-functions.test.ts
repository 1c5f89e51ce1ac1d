import { strict as assert } from "node:assert";
import request from "supertest";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: listing functions", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager({ limits: { pageSize: 3 } });
  });
  afterEach(() => skiff.stop());

  const deploy = async (...names: string[]) => {
    for (const name of names) await request(skiff.url).post(`/func?name=${name}`).send("x").expect(201);
  };
  const list = (query = "") => request(skiff.url).get(`/func${query}`);

  it("is empty when there are none", async () => {
    assert.deepEqual((await list().expect(200)).body, { functions: [], next: null });
  });

  it("shows what each is, in order of name", async () => {
    await deploy("b", "a");
    const { functions, next } = (await list().expect(200)).body;
    assert.equal(next, null);
    assert.deepEqual(
      functions.map((each: { name: string }) => each.name),
      ["a", "b"],
    );
    const { createdAt, updatedAt, hash, ...rest } = functions[0];
    assert.deepEqual(rest, { name: "a", version: 1, ready: 1, url: `${skiff.url}/fn/a` });
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.ok(Date.parse(createdAt) <= Date.parse(updatedAt));
  });

  it("gives every function exactly once over its pages", async () => {
    const names = ["a", "b", "c", "d", "e", "f", "g"];
    await deploy(...names);
    for (const limit of [1, 2, 3]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const query: string = cursor === null ? "" : `&cursor=${cursor}`;
        const { functions, next } = (await list(`?limit=${limit}${query}`).expect(200)).body;
        assert.ok(functions.length <= limit);
        seen.push(...functions.map((each: { name: string }) => each.name));
        cursor = next;
      } while (cursor !== null);
      assert.deepEqual(seen, names);
    }
  });

  it("goes on where it was when functions come and go between pages", async () => {
    await deploy("a", "c", "e");
    const { next } = (await list("?limit=2")).body;
    await request(skiff.url).delete("/func/c").expect(200);
    await deploy("b", "d");
    const { functions } = (await list(`?cursor=${next}`)).body;
    assert.deepEqual(
      functions.map((each: { name: string }) => each.name),
      ["d", "e"],
    );
  });

  for (const query of ["limit=0", "limit=4", "limit=x", "limit=1.5", "limit=", "limit=1&limit=1"]) {
    it(`refuses ${query} when a page has at most 3`, async () => {
      const answer = await list(`?${query}`).expect(400);
      assert.equal(answer.body.code, "invalid_request");
      assert.match(answer.body.detail, /limit/);
    });
  }

  for (const cursor of ["", "!", "YQ==", "QQ", Buffer.from("a b").toString("base64url")]) {
    it(`refuses the cursor "${cursor}", which it never gave`, async () => {
      const answer = await list(`?cursor=${cursor}`).expect(400);
      assert.match(answer.body.detail, /cursor/);
    });
  }

  it("refuses a parameter that it does not know", async () => {
    assert.match((await list("?page=2").expect(400)).body.detail, /"page".*limit, cursor, detail/);
  });
});
