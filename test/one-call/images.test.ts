import assert from "node:assert/strict";
import { chmodSync, cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sharedEngine, type TestEngine } from "../support/engine.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { type Seen, UNSEEN } from "./traces.ts";

const IMAGE = "localhost/traces:1";

const LEAVE = `#!/bin/sh
echo here > /tmp/left
echo here > /dev/shm/left
setsid sleep 86400 > /dev/null 2>&1 &
setsid httpd -f -p 45123 -h /tmp > /dev/null 2>&1 &
until nc -w 1 127.0.0.1 45123 < /dev/null; do usleep 10000; done
export LEFT=here
echo left
`;
const LOOK = `#!/bin/sh
seen() { if "$@" > /dev/null 2>&1; then echo true; else echo false; fi; }
connects() { nc -w 1 127.0.0.1 45123 < /dev/null; }
runs() { grep -q '8640[0]' /proc/[0-9]*/cmdline; }
echo "{\\"file\\": $(seen test -e /tmp/left), \\"environment\\": $(seen test "$LEFT" = here), \\"port\\": $(seen connects)"
echo ", \\"memory\\": $(seen test -e /dev/shm/left), \\"process\\": $(seen runs)}"
`;
const FILES = {
  leave: LEAVE,
  look: LOOK,
  traces: `#!/bin/sh\nexec "/bin/\${PATH_INFO#/}"\n`,
  page: `#!/bin/sh\nprintf 'content-type: text/plain\\r\\n\\r\\n'\nexec "/bin/\${QUERY_STRING}"\n`,
  serve: `#!/bin/sh\nmkdir /tmp/cgi-bin\nln -s /bin/page /tmp/cgi-bin/page\nexec httpd -f -p "$PORT" -h /tmp\n`,
};

interface Kind {
  readonly query: string;
  readonly path: (what: string) => string;
  readonly kept: Seen;
}

const KINDS: Readonly<Record<string, Kind>> = {
  "a program on standard input and output": {
    query: "stdio=1&command=traces",
    path: (what) => `/${what}`,
    kept: { file: true, environment: false, port: false, memory: true, process: false },
  },
  "an HTTP server": {
    query: "command=serve",
    path: (what) => `/cgi-bin/page?${what}`,
    kept: { file: true, environment: false, port: true, memory: true, process: true },
  },
};

describe("file, port, memory and process of a call of an image that is", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let skiff: StartedSkiff;

  before(async function () {
    test = await sharedEngine(this);
    const folder = join(test.folder, "traces");
    cpSync(join(test.folder, "box"), folder, { recursive: true, verbatimSymlinks: true });
    chmodSync(join(folder, "tmp"), 0o1777);
    for (const [name, text] of Object.entries(FILES))
      writeFileSync(join(folder, "bin", name), text, { mode: 0o755 });
    test.import(folder, IMAGE, ["ENV PATH=/bin"]);
    skiff = await startedSkiff({ env: { SKIFF_ENGINE: test.socket } });
  });
  after(() => skiff?.close());

  for (const [index, [kind, { query, path, kept }]] of Object.entries(KINDS).entries()) {
    describe(kind, () => {
      const deploy = async (isolation: string) => {
        const search = `name=${isolation}${index}&image=${IMAGE}&net=none&isolation=${isolation}&${query}`;
        const answer = await fetch(`${skiff.url}/func?${search}`, { method: "POST" });
        assert.equal(answer.status, 201, await answer.text());
      };
      const call = async (isolation: string, what: string) => {
        const answer = await fetch(`${skiff.url}/fn/${isolation}${index}${path(what)}`);
        const text = await answer.text();
        assert.equal(answer.status, 200, text);
        return text;
      };

      it("are seen by the next call of an instance with many", async () => {
        await deploy("instance");
        assert.deepEqual(JSON.parse(await call("instance", "look")), UNSEEN);
        await call("instance", "leave");
        assert.deepEqual(JSON.parse(await call("instance", "look")), kept);
      });

      it("are not seen by the next call with isolation=call", async () => {
        await deploy("call");
        await call("call", "leave");
        assert.deepEqual(JSON.parse(await call("call", "look")), UNSEEN);
      });
    });
  }
});
