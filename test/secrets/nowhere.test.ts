import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { processTree } from "../support/instances/processes.ts";
import { needsLinux } from "../support/not-tried.ts";
import { OtlpReceiver } from "../support/otlp-receiver.ts";
import { SkiffProgram } from "../support/skiff/skiff-program.ts";

/** Every value has it, in the clear; the other forms are those in which a value might be written down. */
const MARK = "FINDME-c0ffee-d15ea5e";
const FORMS = [MARK, Buffer.from(MARK).toString("hex"), Buffer.from(MARK).toString("base64url").slice(0, -2)];

const MODULE = `export default () => String(Deno.env.get("DB_PASSWORD")?.length);\n`;
/** Runs as a project, because it reads its own URL. */
const PROJECT = `const url = import.meta.url;
const fetch = (_, env) => String(env.DB_PASSWORD.length + process.env.OTHER.length + 0 * url.length);
export default { fetch };\n`;
const BROKEN = `throw new Error("it does not start with " + Deno.env.get("DB_PASSWORD")?.length);\n`;

/** Command lines and environments, as far as they can be read. */
function shownIn(pid: number): string {
  const parts = ["cmdline", "environ"].map((part) => {
    try {
      return readFileSync(`/proc/${pid}/${part}`, "latin1");
    } catch {
      return "";
    }
  });
  return parts.join("\n");
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

describe("the value of a secret", function () {
  this.timeout(120_000);
  let folder: string;
  let skiff: SkiffProgram;
  let spans: OtlpReceiver;
  let url: string;
  const answers: { readonly from: string; readonly text: string }[] = [];
  const seen = new Map<number, string>();
  let watching: NodeJS.Timeout;

  const has = (text: string) => FORMS.some((form) => text.includes(form));
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init);
    const body = Buffer.from(await response.arrayBuffer());
    const headers = JSON.stringify([...response.headers]);
    const text = `${headers}${body.toString("latin1")}`;
    answers.push({ from: `${init.method ?? "GET"} ${path} ${response.status}`, text });
    return { status: response.status, body: body.toString() };
  };
  const put = (name: string, value: string) => ask(`/secret/${name}`, { method: "PUT", body: value });
  const deploy = (name: string, query: string, source: string) =>
    ask(`/func?name=${name}&${query}`, { method: "POST", body: source });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-nowhere-"));
    spans = await OtlpReceiver.start();
    skiff = new SkiffProgram(join(folder, "data"), {
      args: ["--workers", "2"],
      env: {
        SKIFF_SECRETS_KEY_FILE: join(folder, "config", "secrets.key"),
        SKIFF_ACCESS_LOG: join(folder, "access.log"),
        OTEL_EXPORTER_OTLP_ENDPOINT: spans.url,
      },
    });
    url = await skiff.url();
    watching = setInterval(() => {
      for (const pid of processTree(skiff.pid)) seen.set(pid, `${seen.get(pid) ?? ""}${shownIn(pid)}`);
    }, 15);
    assert.equal((await put("db-password", `${MARK} one`)).status, 201);
    assert.equal((await put("other", `${MARK} 'two' $(x)`)).status, 201);
    const secrets = "secrets=db-password,OTHER=other";
    assert.equal((await deploy("module", secrets, MODULE)).status, 201);
    assert.equal((await deploy("project", secrets, PROJECT)).status, 201);
    assert.equal((await deploy("broken", secrets, BROKEN)).status, 422);
    assert.equal((await ask("/fn/module")).body, String(MARK.length + 4));
    assert.equal((await ask("/fn/project")).body, String(2 * MARK.length + 15));
    await put("db-password", `${MARK} changed`);
    assert.equal((await ask("/fn/module")).body, String(MARK.length + 8), "the functions get it");
    await deploy("module", "env=X=1", MODULE);
    for (const wrong of ["", `${MARK}\0`, MARK.repeat(4_000)]) await put("db-password", wrong);
    await ask("/secret/Wrong", { method: "PUT", body: MARK });
    await ask("/secret/db-password", { method: "PUT", body: MARK, headers: { "if-match": '"9"' } });
    await ask("/secret/db-password", { method: "POST", body: MARK });
    await ask("/secret/db-password", { method: "DELETE" });
    await ask("/fn/module", { method: "POST", body: "x" });
  });
  after(async () => {
    clearInterval(watching);
    await skiff.close();
    await spans.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is in no answer of the management API", async () => {
    const { paths } = JSON.parse((await ask("/openapi.json")).body) as { paths: Record<string, object> };
    const readable = Object.entries(paths).filter(
      ([path, item]) => "get" in item && !path.startsWith("/fn/"),
    );
    assert.ok(readable.length > 10);
    for (const [path] of readable) {
      const names = path.startsWith("/secret") ? ["db-password", "other"] : ["module", "project", "broken"];
      for (const name of path.includes("{name}") ? names : [""]) {
        for (const version of path.includes("{version}") ? ["1", "2"] : [""]) {
          const place = path.replace("{name}", name).replace("{version}", version).replace("{id}", "x");
          const query = /\/diff$/.test(path) ? "?from=1" : path === "/export" ? "?values=true" : "";
          await ask(`${place}${query}`);
        }
      }
    }
    await ask("/func/module/logs?tail=1000&raw=true");
    assert.ok(answers.some(({ from }) => from === "GET /func/module 200"));
    assert.deepEqual(
      answers.filter(({ text }) => has(text)).map(({ from }) => from),
      [],
    );
  });

  it("is in nothing that Skiff prints, no access log and no trace", async () => {
    await eventually("spans have come", () => spans.spans.length > 0);
    assert.equal(has(JSON.stringify(spans.spans)), false);
    assert.match(skiff.output, /deployed module version 2: secret db-password changed/);
    assert.equal(has(skiff.output), false, skiff.output);
    const log = readFileSync(join(folder, "access.log"), "utf8");
    assert.match(log, /module/);
    assert.equal(has(log), false);
  });

  it("is in no command line and no environment, not even of the function itself", function () {
    needsLinux(this, "command lines and environments in /proc");
    clearInterval(watching);
    const programs = [...seen.values()];
    assert.ok(
      programs.some((text) => /deno/.test(text)),
      "instances were there",
    );
    assert.ok(
      programs.some((text) => /allow-env=[^ ]*DB_PASSWORD/.test(text)),
      "those of the functions",
    );
    assert.deepEqual(programs.filter(has), []);
  });

  it("is in no file of the data folder and not beside the key, while Skiff runs and afterwards", async () => {
    const found = () => filesIn(folder).filter((file) => has(readFileSync(file, "latin1")));
    assert.ok(filesIn(folder).some((file) => file.endsWith("skiff.db")));
    assert.deepEqual(found(), []);
    skiff.signalAlone("SIGTERM");
    await skiff.ended();
    assert.deepEqual(found(), []);
    assert.equal(has(skiff.output), false);
  });
});
