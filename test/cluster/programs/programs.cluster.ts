import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

const TYPE = { "content-type": "application/octet-stream" };

describe("programs on the cluster", () => {
  let skiff: Installation;
  const deployed = new Set<string>();

  before(async () => {
    skiff = await Installation.install();
  });

  after(async () => {
    for (const name of deployed) await skiff.remove(name);
    await skiff.close();
  });

  async function deploy(name: string, source: string, settings = ""): Promise<Record<string, unknown>> {
    const path = `/func?name=${name}&runtime=program&${settings}`;
    deployed.add(name);
    const response = await skiff.manage(path, { method: "POST", headers: TYPE, body: source });
    return { status: response.status, ...((await response.json()) as object) };
  }

  it("answer calls from a shell script, with its variables and its exit code", async () => {
    const source = `#!/bin/sh
echo "$REQUEST_METHOD $PATH_INFO $QUERY_STRING $GREETING $HTTP_X_MINE"
cat
echo "to the log" >&2
[ "$QUERY_STRING" = fail ] && exit 7
exit 0
`;
    const { status } = await deploy("shell", source, "env=GREETING%3Dhello%20%24(HOME)");
    assert.equal(status, 201);
    const response = await skiff.call("shell", "/a/b?x=1", {
      method: "POST",
      body: "body",
      headers: { "x-mine": "mine" },
    });
    assert.equal(await response.text(), "POST /a/b x=1 hello $(HOME) mine\nbody");
    const log = async () => (await skiff.manage("/func/shell/logs?tail=50")).text();
    await eventually("the log has its line", async () => (await log()).includes("to the log"), 20_000);
  });

  it("answer a problem if they fail before their first byte", async () => {
    await deploy("failing", "#!/bin/sh\necho why >&2\nexit 7\n");
    const response = await skiff.call("failing");
    const problem = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, problem.code, problem.exitCode], [500, "program_failed", 7]);
  });

  it("run Python and Node of the client image", async () => {
    await deploy("snake", `#!/usr/bin/env python3\nimport sys\nprint(sys.stdin.read()[::-1], end="")\n`);
    assert.equal(await (await skiff.call("snake", "", { method: "POST", body: "abc" })).text(), "cba");
    await deploy("nodes", `#!/usr/bin/env node\nconsole.log(process.version.split(".")[0]);\n`);
    assert.equal(await (await skiff.call("nodes")).text(), "v24\n");
  });

  it("serve HTTP on PORT, reached without the program host between", async () => {
    const source = `#!/usr/bin/env python3
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
`;
    assert.equal((await deploy("serving", source, "mode=serve")).status, 201);
    assert.equal(await (await skiff.call("serving", "/a?b")).text(), "/a?b");
  });

  it("say which interpreter is missing", async () => {
    const { status, code, detail, log } = await deploy("missing", "#!/usr/bin/perl6\nsay 1\n");
    assert.deepEqual([status, code], [422, "start_failed"]);
    assert.match(`${detail} ${log}`, /perl6/);
  });

  it("leave no process behind a time limit, whatever they fork and trap", async () => {
    const source = `#!/bin/sh
if [ "$PATH_INFO" = /count ]; then
  cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'sleep 30[0-9]' | sort -u | wc -l
  exit 0
fi
trap '' TERM
setsid sleep 301 &
(setsid sh -c 'sleep 302 & exec env -i sleep 303' &)
sleep 304
`;
    await deploy("trees", source, "timeout=2s");
    const response = await skiff.call("trees");
    assert.equal(response.status, 504);
    await eventually(
      "no process is left",
      async () => (await (await skiff.call("trees", "/count")).text()).trim() === "0",
      5_000,
    );
    // Zombies would fill the table of processes: the first process of the pod reaps them.
    const pod = skiff.pods.find(({ metadata }) => metadata.labels?.["skiff.dev/function"] === "trees")!;
    const stats = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true";
    const inPod = ["exec", "-n", "skiff-functions", pod.metadata.name, "--", "sh", "-c"];
    await eventually("no zombie is left", async () => (await kubectl(...inPod, stats)) === "0", 10_000);
  });

  it("wake from zero, and keep their instance between calls", async () => {
    await deploy("waking", "#!/bin/sh\nhostname\n", "idle=1s");
    const first = await (await skiff.call("waking")).text();
    assert.equal(first, "v1\n");
    await skiff.asleep("waking");
    assert.equal(await (await skiff.call("waking")).text(), "v1\n");
  });

  it("have read-only files of the system and a scratch folder, and no token", async () => {
    const source = `#!/bin/sh
touch /etc/x 2>/dev/null && echo wrote /etc
touch "$TMPDIR/x" && echo scratch
ls /var/run/secrets/kubernetes.io 2>/dev/null
env | grep -c -e SKIFF_START -e KUBERNETES
grep CapEff /proc/self/status
`;
    await deploy("walled", source);
    const text = await (await skiff.call("walled")).text();
    assert.equal(text, "scratch\n0\nCapEff:\t0000000000000000\n");
  });
});
