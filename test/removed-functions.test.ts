import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

/** Long enough to be more than one page of the database. */
const FILLING = "// nothing\n".repeat(2_000);

/** A function that has a word in its source, its bundle, its variables, its output and its scratch folder. */
function sourceWith(word: string): string {
  return `
    ${FILLING}
    /** @${word}-source */
    export default () => {
      console.log("${word}-printed", Deno.env.get("SECRET"));
      Deno.writeTextFileSync("${word}-file", "${word}-written");
      return "${word}-bundle";
    };`;
}

describe("what was removed", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_VERSIONS_KEPT: "1" } });
  });
  after(() => skiff.close());

  /** Files of the data folder, without those in the folder `except`, in whose name or content the word is. */
  function filesWith(word: string, except?: string): string[] {
    const paths = readdirSync(skiff.dataFolder, { recursive: true, encoding: "utf8" });
    const searched = paths.filter((path) => except === undefined || !path.startsWith(`${except}/`));
    return searched.filter(
      (path) => path.includes(word) || contentOf(join(skiff.dataFolder, path)).includes(word),
    );
  }

  async function deployAndCall(name: string, word: string): Promise<void> {
    const { status } = await skiff.deploy(name, sourceWith(word), `env=SECRET=${word}-secret`);
    assert.ok(status < 300, String(status));
    // Deno keeps code that it has seen twice.
    for (let call = 1; call <= 2; call++) {
      assert.equal(await (await fetch(`${skiff.url}/fn/${name}`)).text(), `${word}-bundle`);
    }
    await eventually("it has printed", () => skiff.lines.some((line) => line.includes(`${word}-printed`)));
    assert.ok(filesWith(word).length > 0);
  }

  const isGone = (word: string, except?: string) =>
    eventually(`no file has ${word}`, () => filesWith(word, except).length === 0).catch((error: Error) => {
      throw new Error(`${error.message}: ${filesWith(word, except).join(", ")}`);
    });

  it("is in no file of the data folder: a function with all that it had", async () => {
    await deployAndCall("leaver", "marker-alpha");
    const answer = await fetch(`${skiff.url}/func/leaver`, { method: "DELETE" });
    assert.equal(answer.status, 200);
    await isGone("marker-alpha");
  });

  it("is in no file of the data folder but the log: a version that is not kept any more", async () => {
    await deployAndCall("changer", "marker-beta");
    await deployAndCall("changer", "marker-gamma");
    // Lines stay for their seven days, whatever becomes of the version that printed them.
    await isGone("marker-beta", "logs");
  });
});

/** Nothing of what is no file, or is gone already. */
function contentOf(path: string): string {
  try {
    return statSync(path).isFile() ? readFileSync(path, "latin1") : "";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
