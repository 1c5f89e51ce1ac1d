import assert from "node:assert/strict";
import { Command } from "commander";
import { sourceForm } from "../../cli/api/form.ts";
import {
  addSettingOptions,
  type SettingOptions,
  settingFields,
} from "../../cli/commands/functions/setting-options.ts";
import { nameFromImage, nameFromPath } from "../../cli/source/read-source.ts";
import { limitsFromEnv } from "../../platform/limits.ts";
import { applySettings, defaultSettings, settingsFromQuery } from "../../platform/settings/settings.ts";

function fieldsOf(...words: string[]): [string, string][] {
  const command = addSettingOptions(new Command()).parse(words, { from: "user" });
  return settingFields(command.opts<SettingOptions>(), { TOKEN: "t" });
}

describe("the options of settings", () => {
  it("are fields with the names of the query", () => {
    const fields = fieldsOf(
      ...["--runtime", "program", "--command", "a b", "--command", "c", "--cgi", "--isolation", "call"],
      ...["--pool", "2", "--runtime-class", "gvisor", "--env", "TOKEN", "--set", "net=none"],
    );
    const limits = limitsFromEnv({});
    const patch = settingsFromQuery(new URLSearchParams(fields));
    const settings = applySettings(defaultSettings(limits), patch, limits);
    const { runtime, program, isolation, pool, runtimeClass, env, permissions } = settings;
    assert.deepEqual([runtime, program], ["program", { command: ["a b", "c"], cgi: true }]);
    assert.deepEqual([isolation, pool, runtimeClass], ["call", 2, "gvisor"]);
    assert.deepEqual([env, permissions.net], [{ TOKEN: "t" }, []]);
  });

  it("are absent unless they are given", () => {
    assert.deepEqual(fieldsOf(), []);
    assert.deepEqual(fieldsOf("--stdio", "--pull-secret", "registry"), [
      ["pull-secret", "registry"],
      ["stdio", "1"],
    ]);
  });
});

describe("the name of a function", () => {
  it("is that of its program or image", () => {
    const images = ["nginx", "docker.io/library/nginx:1.27", "host:5000/a/nginx@sha256:ab"];
    for (const image of images) assert.equal(nameFromImage(image), "nginx", image);
    assert.equal(nameFromImage("ghcr.io/a/My_App:2"), "my-app");
    for (const path of ["/a/sort.py", "/a/sort.sh", "/sort/main.py", "/a/sort"]) {
      assert.equal(nameFromPath(path), "sort", path);
    }
  });
});

describe("sourceForm", () => {
  it("has no source for an image", async () => {
    const { type, body } = sourceForm(undefined, [["image", "nginx"]]);
    const form = await new Response(Buffer.from(body), { headers: { "content-type": type } }).formData();
    assert.deepEqual([...form], [["image", "nginx"]]);
  });
});
