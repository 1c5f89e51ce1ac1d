import assert from "node:assert/strict";
import { type Applied, folderOf } from "../../manager/files/folders.ts";
import { Installation } from "../installation.ts";

/** Functions of this file alone, so that others on the cluster are not touched. */
const NAMES = ["files-plain", "files-project"];
const folder = (greeting: string) => ({
  "skiff.yaml": `functions:
  files-plain: { source: plain.ts, env: { GREETING: ${greeting} }, idle: 5m }
  files-project: { source: project/, memory: 256Mi, net: none }
`,
  "plain.ts": 'export default () => Deno.env.get("GREETING");\n',
  "project/main.ts": 'import { text } from "./text.ts";\nexport default () => text;\n',
  "project/text.ts": 'export const text = "from a project";\n',
});

describe("functions as files on the cluster", () => {
  let skiff: Installation;
  /** A key that sees only the functions of this file: with it an export and prune concern nothing else. */
  let key: { readonly id: string; readonly text: string };

  before(async () => {
    skiff = await Installation.install();
    for (const name of NAMES) if ((await skiff.remove(name)) === 200) await skiff.nothingIsLeft(name);
    const body = JSON.stringify({ name: "files", scopes: ["admin"], functions: NAMES });
    const answer = await skiff.manage("/key", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    const created = (await answer.json()) as { id: string; key: string };
    key = { id: created.id, text: created.key };
  });
  after(async () => {
    await skiff.manage(`/key/${key.id}`, { method: "DELETE" });
    for (const name of NAMES) await skiff.remove(name);
    await skiff.close();
  });

  const manage = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${skiff.manager}${path}`, { ...init, headers: { authorization: `Bearer ${key.text}` } });
  const apply = async (body: Uint8Array, query = ""): Promise<string[]> => {
    const response = await manage(`/apply?${query}`, { method: "POST", body: new Uint8Array(body) });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return (JSON.parse(text) as Applied).functions.map(({ action, name }) => `${action} ${name}`);
  };
  const answers = async (greeting: string): Promise<void> => {
    assert.equal(await (await skiff.call("files-plain", "/")).text(), greeting);
    assert.equal(await (await skiff.call("files-project", "/")).text(), "from a project");
  };

  it("are deployed by an apply, and the second one does nothing", async () => {
    assert.deepEqual(await apply(await folderOf(folder("hello"))), [
      "create files-plain",
      "create files-project",
    ]);
    await answers("hello");
    const again = ["unchanged files-plain", "unchanged files-project"];
    assert.deepEqual(await apply(await folderOf(folder("hello"))), again);
    assert.deepEqual(await apply(await folderOf(folder("bye"))), [
      "update files-plain",
      "unchanged files-project",
    ]);
    await answers("bye");
  });

  it("come back from an export after they were removed", async () => {
    const archive = new Uint8Array(await (await manage("/export?values=true")).arrayBuffer());
    assert.deepEqual(await apply(archive), ["unchanged files-plain", "unchanged files-project"]);
    const nothing = await folderOf({ "skiff.yaml": "functions: {}\n" });
    assert.deepEqual(await apply(nothing, "prune"), ["remove files-plain", "remove files-project"]);
    for (const name of NAMES) await skiff.nothingIsLeft(name);
    assert.deepEqual(await apply(archive), ["create files-plain", "create files-project"]);
    await answers("bye");
  });
});
