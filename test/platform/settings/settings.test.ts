import assert from "node:assert/strict";
import { SYS_KINDS } from "../../../platform/settings/permissions.ts";
import { START_DEFAULTS } from "../../../platform/settings/runtime.ts";
import {
  applySettings,
  canonicalSettings,
  NUMBER_SETTINGS,
  parseSettings,
  type SettingsPatch,
  settingsFromQuery,
} from "../../../platform/settings/settings.ts";
import { apply, defaults, fromQuery, limits } from "./applied.ts";

function refuses(change: () => unknown, setting: string, detail: RegExp): void {
  assert.throws(change, { code: "invalid_setting", detail, extensions: { setting } });
}

describe("settings", () => {
  it("have the defaults of the design", () => {
    assert.deepEqual(defaults, {
      min: 0,
      max: 10,
      concurrency: 100,
      timeoutMs: 60_000,
      idleMs: 300_000,
      memoryMiB: 128,
      env: {},
      permissions: { net: ["public"], sys: [] },
      entry: "",
      hosts: [],
      secrets: {},
      access: "public",
      quota: {},
      cron: [],
      retry: {},
      ...START_DEFAULTS,
    });
  });

  for (const [key, { least, most, query, example }] of Object.entries(NUMBER_SETTINGS)) {
    const top = key === "max" || key === "min" ? limits.instancesPerFunction : most;

    it(`take ${key} from ${least} to ${top} and nothing else`, () => {
      for (const value of [Math.max(least, 1), top]) {
        const settings = apply({ max: 10, min: 0, [key]: value });
        assert.equal(settings[key as keyof typeof settings], value);
      }
      for (const value of [least - 1, top + 1, 1.5, Number.NaN, "10", true, [], {}]) {
        refuses(
          () => apply({ [key]: value }),
          key,
          new RegExp(`^${key} must be a whole number from ${least} to`),
        );
      }
    });

    it(`set ${key} back to its default with null`, () => {
      const changed = apply({ max: 9, [key]: Math.max(least, 2) });
      assert.deepEqual(apply({ [key]: null, max: null }, changed), defaults);
    });

    it(`take ${key} from the query as ${query}=${example}, once`, () => {
      assert.ok(fromQuery(`${query}=${example}`));
      for (const value of ["", "x", "-1", "1 0", "0x10", "1e2"]) {
        const wrong = new URLSearchParams({ [query]: value });
        refuses(() => settingsFromQuery(wrong), query, new RegExp(`write it like ${query}=${example}`));
      }
      refuses(() => fromQuery(`${query}=${example}&${query}=${example}`), query, /cannot be read/);
    });
  }

  it("read the query of the design", () => {
    const settings = fromQuery(
      "min=1&max=5&timeout=30s&idle=10m&memory=256Mi&concurrency=1&env=KEY=VA=LUE&net=api.example.com",
    );
    assert.deepEqual(settings, {
      min: 1,
      max: 5,
      concurrency: 1,
      timeoutMs: 30_000,
      idleMs: 600_000,
      memoryMiB: 256,
      env: { KEY: "VA=LUE" },
      permissions: { net: ["api.example.com"], sys: [] },
      entry: "",
      hosts: [],
      secrets: {},
      access: "public",
      quota: {},
      cron: [],
      retry: {},
      ...START_DEFAULTS,
    });
    assert.equal(fromQuery("memory=512").memoryMiB, 512);
    assert.deepEqual(fromQuery("net=none").permissions.net, []);
    assert.deepEqual(fromQuery("net=b.example,a.example&net=a.example").permissions.net, [
      "a.example",
      "b.example",
    ]);
    assert.deepEqual(fromQuery("sys=hostname, cpus").permissions.sys, ["cpus", "hostname"]);
    assert.deepEqual(fromQuery("sys=none").permissions.sys, []);
    assert.deepEqual(fromQuery(""), defaults);
  });

  for (const key of ["net", "sys"]) {
    it(`take none for ${key} alone, and no empty entry`, () => {
      for (const query of [`${key}=none,public`, `${key}=a.example&${key}=none`, `${key}=none,none`])
        refuses(() => fromQuery(query), key, /excludes other entries/);
      for (const query of [`${key}=`, `${key}=%20`, `${key}=cpus,`, `${key}=none&${key}=`])
        refuses(() => fromQuery(query), key, new RegExp(`has an empty entry; use ${key}=none`));
      refuses(() => apply({ permissions: { [key]: ["none"] } }), key, /use the empty list/);
    });
  }

  it("do not take a min over max", () => {
    refuses(() => apply({ min: 3, max: 2 }), "min", /lower min or raise max/);
    refuses(() => apply({ max: 2 }, apply({ min: 3 })), "min", /greater than max \(2\)/);
  });

  it("do not take a max over the limit of instances", () => {
    refuses(
      () => applySettings(defaults, { max: 4 }, { ...limits, instancesPerFunction: 3 }),
      "max",
      /to 3,/,
    );
  });

  for (const key of ["cpu", "MIN", "", "__proto__", "constructor", "x".repeat(500)]) {
    it(`name the setting "${key.slice(0, 20)}" that they do not know, and those they do`, () => {
      const patch = JSON.parse(`{${JSON.stringify(key)}: 1}`);
      refuses(
        () => apply(patch),
        key.slice(0, 80),
        /Settings: min, max, .*, env, permissions, entry, hosts, secrets, access, .*, pullSecret\.$/,
      );
      const query = new URLSearchParams([[key, "1"]]);
      refuses(
        () => settingsFromQuery(query),
        key.slice(0, 80),
        /timeout, idle, memory, env, net, sys, entry, hosts, secrets, access, rate, burst, inflight, monthly, cron, attempts, backoff, max-age, retry-on, .*, pull-secret\.$/,
      );
    });
  }

  it("are the same text whenever they are equal, and another when they are not", () => {
    const one = apply({ env: { A: "1", B: "2" }, permissions: { net: ["b.example", "a.example"] } });
    const two = apply({ permissions: { net: ["a.example", "b.example"] }, env: { B: "2", A: "1" } });
    assert.equal(canonicalSettings(one), canonicalSettings(two));
    const others: SettingsPatch[] = [
      { env: { A: "1", B: "3" } },
      { min: 1 },
      { permissions: { sys: ["cpus"] } },
    ];
    for (const patch of others) assert.notEqual(canonicalSettings(apply(patch, one)), canonicalSettings(one));
  });
});

describe("the entry of a source", () => {
  const paths: readonly [given: string, kept: string][] = [
    ["src/main.ts", "src/main.ts"],
    ["./src/main.ts", "src/main.ts"],
    ["a b+c/[id]/ü.ts", "a b+c/[id]/ü.ts"],
    ["x".repeat(1_000), "x".repeat(1_000)],
    ["", ""],
  ];
  for (const [given, kept] of paths) {
    it(`is ${JSON.stringify(kept.slice(0, 20))} for ${JSON.stringify(given.slice(0, 20))}`, () => {
      assert.equal(apply({ entry: given }).entry, kept);
      assert.equal(fromQuery(String(new URLSearchParams({ entry: given }))).entry, kept);
    });
  }

  const refused = ["/a.ts", "../a.ts", "a/../b.ts", "a/./b.ts", "a//b.ts", "a/", "..", "a\\b.ts", "a\nb.ts"];
  for (const entry of [...refused, "file:///a.ts", "npm:hono", "C:/a.ts", "ü".repeat(501), 1, [], {}]) {
    it(`is never ${JSON.stringify(entry).slice(0, 20)}`, () =>
      refuses(() => apply({ entry }), "entry", /^entry: .* name a file of the source/));
  }

  it("is given once, and reset with null", () => {
    refuses(() => fromQuery("entry=a.ts&entry=b.ts"), "entry", /given 2 times/);
    assert.equal(apply({ entry: null }, apply({ entry: "a.ts" })).entry, "");
  });

  it("is empty in stored settings of an older Skiff, whose hashes stay the same", () => {
    const { entry: _, ...older } = defaults;
    assert.deepEqual(parseSettings(JSON.stringify(older)), defaults);
    const canonical = '[0,10,100,60000,300000,128,[],["public"],[]]';
    assert.equal(canonicalSettings(defaults), canonical);
    assert.notEqual(canonicalSettings(apply({ entry: "a.ts" })), canonical);
    assert.deepEqual(parseSettings(JSON.stringify(apply({ entry: "a.ts" }))).entry, "a.ts");
  });
});

describe("the host names of a function", () => {
  it("are a list in order, without repetitions", () => {
    const hosts = ["www.example.com", "app.example.com", "www.example.com"];
    const expected = ["app.example.com", "www.example.com"];
    assert.deepEqual(apply({ hosts }).hosts, expected);
    assert.deepEqual(
      fromQuery("hosts=www.example.com,app.example.com&hosts=www.example.com").hosts,
      expected,
    );
  });

  it("are reset with null, the empty list or none", () => {
    const before = apply({ hosts: ["app.example.com"] });
    for (const hosts of [null, []]) assert.deepEqual(apply({ hosts }, before).hosts, []);
    assert.deepEqual(fromQuery("hosts=none").hosts, []);
    refuses(() => fromQuery("hosts="), "hosts", /empty entry; use hosts=none/);
  });

  for (const hosts of [
    "app.example.com",
    [1],
    [null],
    ["App.example.com"],
    ["a".repeat(64)],
    ["localhost"],
  ]) {
    it(`are never ${JSON.stringify(hosts).slice(0, 30)}`, () =>
      refuses(() => apply({ hosts }), "hosts", /host name/));
  }

  it("are at most a hundred", () => {
    const hosts = Array.from({ length: 101 }, (_, index) => `h${index}.example.com`);
    refuses(() => apply({ hosts }), "hosts", /at most 100/);
    assert.equal(apply({ hosts: hosts.slice(1) }).hosts.length, 100);
  });

  it("are none in stored settings of an older Skiff, whose hashes stay the same", () => {
    const { hosts: _, ...older } = defaults;
    assert.deepEqual(parseSettings(JSON.stringify(older)), defaults);
    const changed = apply({ hosts: ["app.example.com"] });
    assert.notEqual(canonicalSettings(changed), canonicalSettings(defaults));
    assert.deepEqual(parseSettings(JSON.stringify(changed)), changed);
  });
});

describe("settings of the environment", () => {
  it("merge, and remove with null", () => {
    const before = apply({ env: { A: "1", B: "2" } });
    assert.deepEqual(apply({ env: { B: null, C: "", D: "a\nb" } }, before).env, { A: "1", C: "", D: "a\nb" });
    assert.deepEqual(apply({ env: null }, before).env, {});
    assert.deepEqual(before.env, { A: "1", B: "2" });
  });

  it("take every valid name, also one that objects have by themselves", () => {
    const { env } = fromQuery("env=__proto__=1&env=constructor=2&env=_a9=3");
    assert.deepEqual(Object.entries(env).sort(), [
      ["__proto__", "1"],
      ["_a9", "3"],
      ["constructor", "2"],
    ]);
  });

  for (const name of ["", "1A", "A-B", "A B", "A=B", "Ä", "A".repeat(129)]) {
    it(`refuse the name ${JSON.stringify(name.slice(0, 9))}`, () =>
      refuses(() => apply({ env: { [name]: "1" } }), "env", /is not a valid variable name/));
  }

  it("refuse a name that is the runtime's", () =>
    refuses(() => apply({ env: { DENO_DIR: "1" } }), "env", /^env: DENO_DIR is reserved for the runtime/));

  it("refuse what is no text, and more than the system takes", () => {
    for (const value of [1, true, {}, []])
      refuses(() => apply({ env: { A: value } }), "env", /must be a string/);
    for (const env of [1, "A=1", ["A"]]) refuses(() => apply({ env }), "env", /must be an object/);
    refuses(() => apply({ env: { A: "a\0b" } }), "env", /NUL/);
    refuses(() => apply({ env: { A: "ü".repeat(65_536) } }), "env", /over 131072 bytes/);
    assert.ok(apply({ env: { A: "a".repeat(131_069) } }));
    refuses(() => fromQuery("env=A"), "env", /env=KEY=VALUE/);
    refuses(() => fromQuery("env==1"), "env", /env=KEY=VALUE/);
  });
});

describe("settings of permissions", () => {
  it("change one by one, and back to the default with null", () => {
    const before = apply({ permissions: { net: [], sys: ["cpus"] } });
    assert.deepEqual(apply({ permissions: { net: ["a.example"] } }, before).permissions, {
      net: ["a.example"],
      sys: ["cpus"],
    });
    assert.deepEqual(apply({ permissions: { sys: null } }, before).permissions, { net: [], sys: [] });
    assert.deepEqual(apply({ permissions: null }, before).permissions, { net: ["public"], sys: [] });
  });

  it("are sorted, each once", () => {
    const { net } = apply({ permissions: { net: ["public", "10.0.0.1", "public"] } }).permissions;
    assert.deepEqual(net, ["10.0.0.1", "public"]);
  });

  it("take the kinds of system information that Deno knows, and no other", () => {
    assert.equal(apply({ permissions: { sys: SYS_KINDS } }).permissions.sys.length, SYS_KINDS.length);
    for (const sys of [["all"], [""], [1]])
      refuses(() => apply({ permissions: { sys } }), "sys", /is unknown; use hostname/);
  });

  it("refuse what is no list of rules", () => {
    for (const net of ["public", [1], ["a b"], ["http://a.example"], ["*"], ["-a"], ["a,b"]]) {
      refuses(() => apply({ permissions: { net } }), "net", /^permissions\.net/);
    }
    const many = Array.from({ length: 101 }, (_, index) => `h${index}.example`);
    refuses(() => apply({ permissions: { net: many } }), "net", /at most 100/);
    for (const permissions of [1, "net", ["net"]])
      refuses(() => apply({ permissions }), "permissions", /object/);
    refuses(
      () => apply({ permissions: { read: ["/"] } }),
      "permissions.read",
      /Unknown setting "permissions\.read"/,
    );
  });
});
