import assert from "node:assert/strict";
import { limitsFromEnv } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { applySettings, defaultSettings } from "../../platform/settings/settings.ts";
import { Listener } from "./attempts/listener.ts";
import { type Attempt, Stage } from "./stage.ts";

const ASK: Attempt = {
  title: "asks",
  code: "return given.hosts.filter((host) => net(host) === 'granted')",
  expect: /./,
};
const FETCH: Attempt = { title: "fetches", code: "return (await fetch(given.url)).text()", expect: /./ };
const SYSTEM: Attempt = {
  title: "tells",
  code: `const told = {};
    for (const name of ["hostname", "osRelease", "osUptime", "loadavg", "networkInterfaces", "systemMemoryInfo", "uid", "gid"]) {
      try { Deno[name](); told[name] = true; } catch (error) { if (error.name !== "NotCapable") throw error; }
    }
    return Object.keys(told)`,
  expect: /./,
};
const REACHED = `returned "neighbour"`;
const REFUSED = /Requires net access to/;

/** Asked of the permissions, never connected to. */
const HOSTS = [
  "example.com:443",
  "93.184.215.14:443",
  "10.1.2.2:5432",
  "10.1.2.3:5432",
  "10.1.2.3:5433",
  "10.1.2.4:5432",
  "[::ffff:10.1.2.3]:5432",
  "127.0.0.1:5432",
  "[::1]:5432",
  "localhost:5432",
  "169.254.169.254:80",
  "db.example.com:5432",
];
const PUBLIC = ["example.com:443", "93.184.215.14:443", "db.example.com:5432"];
const MAPPED = "[::ffff:10.1.2.3]:5432";

/** What each list opens, of the hosts above. */
const LISTS: readonly (readonly [net: readonly string[], opens: readonly string[]])[] = [
  [[], []],
  [["public"], PUBLIC],
  [["10.1.2.3:5432"], ["10.1.2.3:5432", MAPPED]],
  [["10.1.2.3"], ["10.1.2.3:5432", "10.1.2.3:5433", MAPPED]],
  [["10.1.2.2/31"], ["10.1.2.2:5432", "10.1.2.3:5432", "10.1.2.3:5433", MAPPED]],
  [
    ["public", "10.1.2.3"],
    [...PUBLIC, "10.1.2.3:5432", "10.1.2.3:5433", MAPPED],
  ],
  [["example.com"], ["example.com:443"]],
  [["*.example.com:5432"], ["db.example.com:5432"]],
  [["[::1]:5432"], ["[::1]:5432"]],
];

/** Settings that would open more than they say, or let a variable steer what Deno loads and connects to. */
const REFUSED_SETTINGS: readonly Record<string, unknown>[] = [
  { permissions: { net: ["public", "10.1.2.3:5432"] } },
  { permissions: { net: ["public", "[::1]:5432", "localhost:5432"] } },
  { env: { HTTP_PROXY: "http://[::ffff:127.0.0.1]:1" } },
  { env: { https_proxy: "http://10.0.0.1" } },
  { env: { __EGL_VENDOR_LIBRARY_FILENAMES: "/proc/self/cwd/egl.json" } },
  { env: { VK_DRIVER_FILES: "/proc/self/cwd/vk.json" } },
  { env: { LD_PRELOAD: "./x.so" } },
  { env: { RES_OPTIONS: "" } },
  { env: { DENO_WEBGPU_BACKEND: "gl" } },
];

describe("the settings of a function", () => {
  let stage: Stage;
  let neighbour: Listener;
  let second: Listener;
  let redirect: Listener;

  before(async () => {
    stage = await Stage.open();
    [neighbour, second] = [await Listener.open(), await Listener.open()];
    redirect = await Listener.open({ location: `http://127.0.0.1:${second.port}/` });
  });

  after(async () => {
    await stage.close();
    for (const listener of [neighbour, second, redirect]) await listener.close();
  });

  const url = (listener: Listener, host = "127.0.0.1") => ({ url: `http://${host}:${listener.port}/` });

  for (const [net, opens] of LISTS) {
    it(`net ${JSON.stringify(net)} opens ${opens.length > 0 ? opens.join(", ") : "nothing"}, and nothing more`, async () => {
      const asker = await stage.deploy("asker", [ASK], { permissions: { net } });
      const granted = JSON.parse((await asker.run("asks", { hosts: HOSTS })).slice("returned ".length));
      assert.deepEqual(granted.sort(), [...opens].sort());
    });
  }

  for (const patch of REFUSED_SETTINGS) {
    it(`${JSON.stringify(patch)} is refused`, () => {
      const limits = limitsFromEnv({});
      assert.throws(
        () => applySettings(defaultSettings(limits), patch, limits),
        (error: unknown) => error instanceof Problem && error.code === "invalid_setting",
      );
    });
  }

  it("net with an address and port opens that port, and no other by a redirect", async () => {
    const net = [neighbour, redirect].map(({ port }) => `127.0.0.1:${port}`);
    const guest = await stage.deploy("guest", [FETCH], { permissions: { net } });
    assert.equal(await guest.run("fetches", url(neighbour)), REACHED);
    assert.match(await guest.run("fetches", url(second)), REFUSED);
    assert.match(await guest.run("fetches", url(redirect)), REFUSED);
    assert.match(await guest.run("fetches", url(neighbour, "127.0.0.2")), REFUSED);
    assert.match(await guest.run("fetches", url(neighbour, "localhost")), REFUSED);
    assert.equal(redirect.seen, 1);
    assert.equal(second.seen, 0);
  });

  it("net with public and an address opens that address", async () => {
    const guest = await stage.deploy("guest", [FETCH], { permissions: { net: ["public", "127.0.0.1"] } });
    assert.equal(await guest.run("fetches", url(neighbour)), REACHED);
    assert.match(await guest.run("fetches", url(neighbour, "127.0.0.2")), REFUSED);
  });

  it("net with a name does not open the private address that it resolves to", async () => {
    const net = ["localhost", "2130706433.example", "public"];
    const guest = await stage.deploy("guest", [FETCH], { permissions: { net } });
    const before = neighbour.seen;
    assert.match(await guest.run("fetches", url(neighbour, "localhost")), REFUSED);
    assert.equal(neighbour.seen, before);
  });

  for (const sys of [[], ["hostname"], ["osRelease", "uid"]]) {
    it(`sys ${JSON.stringify(sys)} tells just that`, async () => {
      const guest = await stage.deploy("guest", [SYSTEM], { permissions: { sys } });
      assert.equal(await guest.run("tells"), `returned ${JSON.stringify(sys)}`);
    });
  }
});
