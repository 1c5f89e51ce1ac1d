/** What a call leaves behind, and what the next call of the same function sees of it. */
export interface Runtime {
  readonly name: string;
  /** Settings besides `isolation=call`, as a query. */
  readonly query: string;
  /** The source of a function that leaves traces at `/leave`, and answers `/look` with what it sees, as JSON. */
  readonly source: string | Uint8Array;
  /** What the next call sees where an instance takes many. */
  readonly kept: Seen;
}

/** What `/look` answers. */
export interface Seen {
  readonly file: boolean;
  readonly environment: boolean;
  readonly port: boolean;
  readonly memory: boolean;
  /** A process or thread of an earlier call is alive. */
  readonly process: boolean;
}

export const UNSEEN: Seen = { file: false, environment: false, port: false, memory: false, process: false };

export const DENO: Runtime = {
  name: "deno",
  query: "env=LEFT=nothing",
  kept: { file: true, environment: true, port: true, memory: true, process: true },
  source: `
    const path = Deno.env.get("TMPDIR") + "/left";
    const socket = Deno.env.get("TMPDIR") + "/left.sock";
    const isThere = async (find) => {
      try {
        await find();
        return true;
      } catch {
        return false;
      }
    };
    export default async (request) => {
      if (new URL(request.url).pathname === "/leave") {
        globalThis.left = true;
        Deno.env.set("LEFT", "here");
        await Deno.writeTextFile(path, "here");
        // TCP ports need a permission that no function has.
        globalThis.listener = Deno.listen({ transport: "unix", path: socket });
        const code = 'setInterval(() => Deno.writeTextFileSync("' + path + '.beat", String(Date.now())), 5)';
        const worker = new Worker("data:text/javascript," + encodeURIComponent(code), { type: "module" });
        while (!(await isThere(() => Deno.stat(path + ".beat")))) await new Promise((resolve) => setTimeout(resolve, 5));
        return "left";
      }
      const port = await isThere(async () => (await Deno.connect({ transport: "unix", path: socket })).close());
      return Response.json({
        file: await isThere(() => Deno.stat(path)),
        environment: Deno.env.get("LEFT") === "here",
        port,
        memory: globalThis.left === true,
        process: await isThere(() => Deno.stat(path + ".beat")),
      });
    };
  `,
};

const PYTHON = `
import json, os, socket, subprocess, sys, time

TMP = os.environ["TMPDIR"]
PORT = 45123
LISTENS = "import socket, time; s = socket.create_server(('127.0.0.1', 45123)); time.sleep(1000)"
memory = {}

def connects():
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=5).close()
        return True
    except OSError:
        return False

def commands():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/" + pid + "/cmdline", "rb") as file:
                yield file.read()
        except OSError:
            pass

def leave():
    with open(TMP + "/left", "w") as file:
        file.write("here")
    os.environ["LEFT"] = "here"
    memory["left"] = True
    quiet = { "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL }
    subprocess.Popen([sys.executable, "-c", LISTENS], start_new_session=True, **quiet)
    while not connects():
        time.sleep(0.01)
    return "left"

def look():
    return json.dumps({
        "file": os.path.exists(TMP + "/left"),
        "environment": os.environ.get("LEFT") == "here",
        "port": connects(),
        "memory": "left" in memory,
        "process": any(b"time.sleep(1000)" in command for command in commands()),
    })
`;

/** Each call starts it, and ends everything that it has started. */
export const PROGRAM: Runtime = {
  name: "program",
  query: "runtime=program&env=LEFT=nothing",
  source: `#!/usr/bin/env python3\n${PYTHON}\nprint(leave() if os.environ["PATH_INFO"] == "/leave" else look())\n`,
  kept: { file: true, environment: false, port: false, memory: false, process: false },
};

/** An HTTP server that is written for nothing of Skiff. */
export const SERVER: Runtime = {
  name: "server",
  query: "runtime=program&mode=serve&env=LEFT=nothing",
  source: `#!/usr/bin/env python3
${PYTHON}
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        text = (leave() if self.path == "/leave" else look()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
`,
  kept: { file: true, environment: true, port: true, memory: true, process: true },
};
