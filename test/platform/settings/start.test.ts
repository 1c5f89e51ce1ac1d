import assert from "node:assert/strict";
import { modeOf, placingOf, START_DEFAULTS, startedBy } from "../../../platform/settings/runtime.ts";
import { canonicalSettings, parseSettings } from "../../../platform/settings/settings.ts";
import { apply, defaults, fromQuery } from "./applied.ts";

const program = fromQuery("runtime=program&command=sh -c 'cat'&cgi=1");

describe("the settings of what is started", () => {
  it("are read from a query", () => {
    assert.deepEqual(startedBy(program), {
      runtime: "program",
      program: { cgi: true, command: ["sh", "-c", "cat"] },
    });
    assert.deepEqual(fromQuery("runtime=program&command=my prog&command=a b").program.command, [
      "my prog",
      "a b",
    ]);
    assert.deepEqual(startedBy(fromQuery("isolation=call&pool=0&runtime-class=gvisor")), {
      ...{ isolation: "call", pool: 0, runtimeClass: "gvisor" },
    });
    assert.equal(fromQuery("runtime=image&pull-secret=registry").pullSecret, "registry");
    for (const query of ["stdio=1", "mode=call", "stdio=1&mode=call"]) {
      assert.equal(modeOf(fromQuery(`runtime=image&${query}`)), "call", query);
    }
    assert.equal(modeOf(fromQuery("runtime=program&stdio=0")), "serve");
  });

  it("have a mode by default that the runtime and a handler determine", () => {
    const mode = (query: string) => modeOf(fromQuery(query));
    assert.equal(mode(""), undefined);
    assert.equal(mode("runtime=program"), "call");
    assert.equal(mode("runtime=image"), "serve");
    assert.equal(mode("runtime=program&handler=hello.handler"), "serve");
  });

  it("opens no network by default, unless Deno runs the function", () => {
    const net = (query: string, before = defaults) => fromQuery(query, before).permissions.net;
    assert.deepEqual(net(""), ["public"]);
    assert.deepEqual(net("runtime=program"), []);
    assert.deepEqual(net("runtime=image"), []);
    assert.deepEqual(net("runtime=program&net=public"), ["public"]);
    const open = fromQuery("runtime=program&net=10.0.0.7");
    assert.deepEqual(net("memory=64Mi", open), ["10.0.0.7"]);
    assert.deepEqual(net("runtime=deno", open), ["10.0.0.7"]);
    assert.deepEqual(net("runtime=deno", program), ["public"]);
    assert.deepEqual(apply({ permissions: { net: null } }, open).permissions.net, []);
    assert.deepEqual(apply({ permissions: null }, open).permissions.net, []);
  });

  it("are set back one by one, and all with null", () => {
    assert.deepEqual(fromQuery("command=default&cgi=default", program).program, {});
    assert.deepEqual(apply({ program: { command: null } }, program).program, { cgi: true });
    assert.deepEqual(apply({ program: { cgi: false } }, program).program, { command: ["sh", "-c", "cat"] });
    const all = fromQuery("runtime=image&stdio=1&isolation=call&pool=3&pull-secret=a&runtime-class=b");
    assert.deepEqual(fromQuery("runtime-class=none&pull-secret=none", all).pullSecret, "");
    const nulls = Object.fromEntries(Object.keys(START_DEFAULTS).map((name) => [name, null]));
    assert.deepEqual(apply(nulls, all), defaults);
  });

  it("are reset by a change of what they belong to", () => {
    assert.deepEqual(fromQuery("runtime=deno", program), defaults);
    const image = fromQuery("runtime=image&pull-secret=a&stdio=1&isolation=call&pool=3");
    assert.deepEqual(startedBy(fromQuery("runtime=program&isolation=instance", image)), {
      runtime: "program",
    });
    assert.deepEqual(apply({ runtime: "program", program: { cgi: true } }, image).program, { cgi: true });
  });

  it("leave the hash of a version as it was while they have their defaults", () => {
    const { runtime: _, program: __, isolation: ___, pool: ____, ...older } = defaults;
    const { runtimeClass: _____, pullSecret: ______, ...oldest } = older;
    assert.equal(canonicalSettings(parseSettings(JSON.stringify(oldest))), canonicalSettings(defaults));
    assert.ok(!canonicalSettings(defaults).includes("deno"));
    assert.notEqual(
      canonicalSettings(program),
      canonicalSettings(apply({ program: { cgi: null } }, program)),
    );
  });

  const refused: Record<string, [query: string, setting: string, detail: RegExp]> = {
    "an unknown runtime": ["runtime=python", "runtime", /must be deno or program or image, not "python"/],
    "a member of another runtime": ["command=a", "command", /command needs runtime=program or runtime=image/],
    "an open quote": ["runtime=program&command=a 'b", "command", /a ' that is not closed, at character 3/],
    "no command": ["runtime=program&command=", "command", /names no program/],
    "a flag with another value": ["cgi=yes", "cgi", /write cgi=1 or cgi=0/],
    "two modes": ["runtime=image&stdio=1&mode=serve", "mode", /stdio and mode contradict each other/],
    "CGI of a server": ["runtime=image&cgi=1", "cgi", /cgi needs mode=call/],
    "a handler without a function": ["runtime=program&handler=hello", "handler", /use file\.function/],
    "a handler outside of the source": ["runtime=program&handler=../a.b", "handler", /use file\.function/],
    "a handler in an image": ["runtime=image&handler=a.b", "handler", /handler needs runtime=program/],
    "a handler and a command": ["runtime=program&handler=a.b&command=c", "handler", /exclude each other/],
    "a handler per call": ["runtime=program&handler=a.b&mode=call", "handler", /handler needs mode=serve/],
    "a pool of shared instances": ["pool=2", "pool", /pool needs isolation=call/],
    "a pool over max": ["isolation=call&pool=6&max=5", "pool", /greater than max \(5\)/],
    "a pool that is no number": ["isolation=call&pool=x", "pool", /write it like pool=2/],
    "a setting twice": ["runtime=deno&runtime=program", "runtime", /2 times: give it once/],
    "a wrong RuntimeClass": ["runtime-class=A B", "runtimeClass", /is not a valid name/],
    "a secret of no image": ["pull-secret=a", "pullSecret", /pullSecret needs an image/],
    "a secret that is a password": [
      "runtime=image&pull-secret=a:b",
      "pullSecret",
      /not the name of a secret/,
    ],
  };
  for (const [what, [query, setting, detail]] of Object.entries(refused)) {
    it(`refuse ${what}`, () => {
      assert.throws(() => fromQuery(query), { code: "invalid_setting", detail, extensions: { setting } });
    });
  }

  it("refuse values of JSON that are none", () => {
    for (const command of [[], [""], ["a", 1], ["a\0"], {}, 5, Array(101).fill("a"), "a".repeat(17_000)]) {
      assert.throws(() => apply({ runtime: "program", program: { command } }), { code: "invalid_setting" });
    }
    for (const patch of [{ program: [] }, { program: { cmd: "a" } }, { pool: 1.5 }, { isolation: "no" }]) {
      assert.throws(() => apply(patch), { code: "invalid_setting" }, JSON.stringify(patch));
    }
  });
});

describe("placingOf", () => {
  it("takes one call per instance, or lets each router count", () => {
    const placing = (query: string) => {
      const settings = fromQuery(query);
      return placingOf({ ...settings, mode: modeOf(settings) });
    };
    assert.deepEqual(placing("concurrency=7"), { concurrency: 7 });
    assert.deepEqual(placing("runtime=program&concurrency=7"), { concurrency: 7 });
    assert.deepEqual(placing("runtime=image&concurrency=7"), { concurrency: 7, isForeign: true });
    assert.deepEqual(placing("runtime=image&isolation=call"), { concurrency: 1, isOnce: true });
  });
});
