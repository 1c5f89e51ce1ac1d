import assert from "node:assert/strict";
import { patchOf } from "../../../manager/deploys/skiff-yaml.ts";
import { formOf } from "../../../manager/files/settings-form.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import {
  applySettings,
  defaultSettings,
  type Settings,
  settingsFromQuery,
} from "../../../platform/settings/settings.ts";

const LIMITS = limitsFromEnv({});
const DEFAULTS = defaultSettings(LIMITS);
const settings = (query: string): Settings =>
  applySettings(DEFAULTS, settingsFromQuery(new URLSearchParams(query)), LIMITS);
const form = (wanted: Settings, base: Settings) => formOf(wanted, base, (_name, value) => value);

describe("formOf", () => {
  it("has the names of a query, and a command as its words", () => {
    const wanted = settings("runtime=program&command=my prog&command=-x&cgi=1&isolation=call&pool=0");
    assert.deepEqual(form(wanted, DEFAULTS), {
      ...{ runtime: "program", isolation: "call", pool: 0, command: ["my prog", "-x"], cgi: true },
    });
    assert.deepEqual(form(settings("runtime=program&command=my%20prog"), DEFAULTS).command, ["my", "prog"]);
  });

  it("leads from any settings to any others", () => {
    const all = [
      "",
      "runtime=program&command=sh -c cat&cgi=1",
      "runtime=program&command=one&command=two words",
      "runtime=program&handler=hello.greet&isolation=call&pool=3",
      "runtime=image&stdio=1&pull-secret=registry&runtime-class=gvisor",
      "runtime=image&command=a&isolation=call&pool=0",
      "net=none",
      "runtime=program&net=public",
      "runtime=image&net=10.0.0.7",
    ].map(settings);
    for (const base of all) {
      for (const wanted of all) {
        const declared = patchOf(form(wanted, base));
        assert.deepEqual(applySettings(base, declared, LIMITS), wanted, JSON.stringify([base, wanted]));
      }
    }
  });
});
