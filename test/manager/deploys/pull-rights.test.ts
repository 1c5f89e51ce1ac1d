import assert from "node:assert/strict";
import type { Images } from "../../../platform/images/images.ts";
import { hashOf } from "../../../platform/keys/key-text.ts";
import type { Scope } from "../../../platform/keys/scopes.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { folderOf } from "../files/folders.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

const TOKEN = "0123456789abcdef-token";
const DIGEST = `sha256:${"1".repeat(64)}`;

describe("manager: the secret of a pull", () => {
  let skiff: StartedManager;
  let key: string;
  const asked: (string | undefined)[] = [];
  beforeEach(async () => {
    asked.length = 0;
    const images: Images = {
      async resolve(image, { pullSecret }) {
        asked.push(pullSecret);
        return { image, digest: DIGEST };
      },
    };
    const platform = Object.assign(new FakePlatform(), { images });
    const tokenHash = hashOf(TOKEN).toString("hex");
    skiff = await startManager({ platform, access: { mode: "token", tokenHash, whereabouts: "" } });
    const scopes: Scope[] = ["deploy", "read"];
    const made = await send("POST", "/key", { name: "limited", scopes, functions: ["web"] }, TOKEN);
    key = ((await made.json()) as { key: string }).key;
    for (const name of ["registry", "other"]) await platform.secrets.put(name, { value: "user:password" });
    const first = await send("PUT", "/func/web?image=ghcr.io/a/x:1&pull-secret=registry", undefined, TOKEN);
    assert.equal(first.status, 201, await first.text());
    asked.length = 0;
  });
  afterEach(() => skiff.stop());

  const send = (method: string, path: string, body: unknown, by = key) =>
    fetch(`${skiff.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${by}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  it("goes to its own registry for a key that is limited to some functions", async () => {
    const answer = await send("PUT", "/func/web?image=ghcr.io/b/y:2", undefined);
    assert.equal(answer.status, 200, await answer.text());
    assert.deepEqual(asked, ["registry"]);
  });

  it("exists, also where the image needs no pull", async () => {
    const ways = [
      send("PUT", "/func/new?image=localhost/a:1&pull-secret=nosuch", undefined, TOKEN),
      send("PATCH", "/func/web", { pullSecret: "nosuch" }, TOKEN),
    ];
    for (const way of ways) {
      const { status, text } = await answered(way);
      assert.equal(status, 404, text);
      assert.match(text, /unknown_secret/);
    }
  });

  const refused: Record<string, () => Promise<{ status: number; text: string }>> = {
    "another registry": () => answered(send("PUT", "/func/web?image=evil.example/x", undefined)),
    "another secret": () =>
      answered(send("PUT", "/func/web?image=ghcr.io/a/x:1&pull-secret=other", undefined)),
    "another secret alone": () => answered(send("PATCH", "/func/web", { pullSecret: "other" })),
    "another registry in a folder": async () => {
      const files = { "skiff.yaml": "functions:\n  web: { image: evil.example/x, pull-secret: registry }\n" };
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/x-tar" };
      const body = new Uint8Array(await folderOf(files));
      return answered(fetch(`${skiff.url}/apply`, { method: "POST", headers, body }));
    },
  };
  for (const [what, attempt] of Object.entries(refused)) {
    it(`does not go to ${what}`, async () => {
      const { status, text } = await attempt();
      assert.equal(status, 403, text);
      assert.match(text, /insufficient_scope.*|is limited to some functions/);
      assert.deepEqual(asked, []);
    });
  }
});

async function answered(response: Promise<Response>): Promise<{ status: number; text: string }> {
  const { status } = await response;
  return { status, text: await (await response).text() };
}
