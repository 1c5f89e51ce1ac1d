import assert from "node:assert/strict";
import { parse } from "yaml";
import { patchOf } from "../../../manager/deploys/skiff-yaml.ts";
import { editSettings, type SettingsEdit } from "../../../manager/git/history/settings-file.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import {
  applySettings,
  defaultSettings,
  mergeSettings,
  type Settings,
  settingsFromQuery,
} from "../../../platform/settings/settings.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";

const LIMITS = limitsFromEnv({});
const DEFAULTS = defaultSettings(LIMITS);
const ROUNDS = 300;
/** Settings that may be combined, of functions in TypeScript, programs and images. */
const SHARED = [
  ...[
    "min=1&max=4",
    "max=20",
    "concurrency=7",
    "timeout=1500ms",
    "timeout=30s",
    "idle=90s",
    "memory=256Mi",
    "memory=1Gi",
  ],
  ...[
    "hosts=a.example.com,b.example.com",
    "access=key",
    "access=internal",
    "rate=10/m&burst=20",
    "inflight=3",
  ],
  ...[
    "monthly=1000",
    "cron=@hourly&cron=0 3 * * *",
    "attempts=3",
    "backoff=90s",
    "max-age=1h&retry-on=5xx,429",
  ],
  ...[
    "secrets=db-password",
    "secrets=PGPASSWORD=db-password,other",
    "net=none",
    "net=10.0.0.7,public",
    "env=A=1",
    "env=B=2",
  ],
];
const STARTS = [
  ...[
    "",
    "",
    "sys=cpus",
    "entry=src/main.ts",
    "runtime=program&command=sh -c cat&cgi=1",
    "runtime=program&handler=hello.greet",
  ],
  ...[
    "runtime=program&isolation=call&pool=3&max=10",
    "runtime=image&stdio=1&pull-secret=registry",
    "runtime=image&command=a",
  ],
];

function settings(query: string): Settings {
  return applySettings(DEFAULTS, settingsFromQuery(new URLSearchParams(query)), LIMITS);
}

function edit(text: string | undefined, wanted: Settings, more: Partial<SettingsEdit> = {}) {
  return editSettings(text, { name: "hello", settings: wanted, base: DEFAULTS, limits: LIMITS, ...more });
}

/** What an apply makes of the text of one function. */
function applied(text: string | undefined, base = DEFAULTS): Settings {
  const {
    name: _,
    image: __,
    source: ___,
    ...declared
  } = (parse(text ?? "") ?? {}) as Record<string, unknown>;
  return mergeSettings(base, patchOf(declared), LIMITS);
}

/** Without variables, which stay as they are. */
function bare({ env: _, ...rest }: Settings): unknown {
  return rest;
}

describe("editSettings", () => {
  it("leads from the text of any settings to any others", async () => {
    const random = seededRandom(testSeed());
    const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
    let text: string | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const query = [pick(STARTS), ...Array.from({ length: Math.floor(random() * 4) }, () => pick(SHARED))];
      let wanted: Settings;
      try {
        wanted = settings(query.filter(Boolean).join("&"));
      } catch {
        // The draw has a setting twice.
        continue;
      }
      const former = text;
      text = await edit(former, wanted);
      assert.deepEqual(bare(applied(text)), bare(wanted), `${query}\n${former}\n${text}`);
      assert.equal(await edit(text, wanted), text);
      assert.doesNotMatch(text ?? "", /^env:/m);
    }
  });

  it("keeps comments, the order and what the text names otherwise", async () => {
    const text =
      "# Ours.\nname: hello\ntimeoutMs: 5000 # slow\n\n# much\nmemory: 256Mi\npermissions:\n  net: [10.0.0.7]\n";
    assert.equal(await edit(text, settings("timeout=5s&memory=256Mi&net=10.0.0.7")), text);
    assert.equal(
      await edit(text, settings("timeout=5s&memory=1Gi&max=3")),
      "# Ours.\nname: hello\ntimeoutMs: 5000 # slow\n\n# much\nmemory: 1024Mi\nmax: 3\n",
    );
  });

  it("never writes a value of a variable", async () => {
    const text = "env:\n  SAME: as before # ours\n  OTHER: one\n  GONE: gone\n";
    const wanted = { ...DEFAULTS, env: { SAME: "as before", OTHER: "hidden", NEW: "hidden" } };
    assert.equal(await edit(text, wanted), "env:\n  SAME: as before # ours\n");
    assert.equal(await edit("env: { OTHER: one }\n", wanted), undefined);
    assert.equal(await edit(undefined, wanted), undefined);
  });

  it("replaces what is no settings file, and the name of another function", async () => {
    assert.equal(await edit("{ broken", settings("max=3")), "max: 3\n");
    assert.equal(await edit("- a list\n", settings("max=3")), "max: 3\n");
    assert.equal(await edit("max: a lot\n", settings("max=3")), "max: 3\n");
    assert.equal(await edit("name: another\nmax: 3\n", settings("max=3")), "max: 3\n");
  });

  it("names an image in place of a source", async () => {
    const image = "docker.io/library/nginx:1.27@sha256:abc";
    const text = await edit("max: 3\n", settings("runtime=image&max=3"), { image });
    assert.equal(text, `max: 3\nimage: ${image}\n`);
    assert.equal(await edit(text, settings("max=3")), "max: 3\n");
  });

  it("edits the entry of a function of a group", async () => {
    const group = { isGroup: true, base: settings("max=5&env=SHARED=1") };
    const text =
      'defaults: { max: 5, env: { SHARED: "1" } }\nfunctions:\n  # Ours.\n  hello:\n    memory: 256Mi\n  other: other.ts\n';
    const wanted = settings("max=5&memory=256Mi&env=SHARED=1");
    assert.equal(await edit(text, wanted, group), text);
    assert.equal(
      await edit(text, settings("max=6&env=SHARED=2"), group),
      text.replace("    memory: 256Mi\n", '    env:\n      SHARED: "***"\n    max: 6\n'),
    );
    assert.match(
      (await edit(text, wanted, { ...group, name: "other" }))!,
      / {2}other:\n {4}source: other.ts\n/,
    );
    assert.match((await edit("functions:\n  hello:\n", wanted, group))!, /hello:\n {4}memory: 256Mi\n/);
    const split = "functions:\n  hello:\n    versions:\n      - { weight: 1 }\n    sticky: { header: a }\n";
    assert.doesNotMatch((await edit(split, wanted, group))!, /versions|sticky/);
    const list = await edit(
      "functions:\n- name: hello\n  replicas: 1\n",
      settings("max=6&env=SHARED=1"),
      group,
    );
    assert.match(list!, /max: 6/);
  });
});
