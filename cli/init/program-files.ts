/** Kinds of a new function, besides `deno`. */
export const PROGRAM_KINDS = ["shell", "python", "node", "python-handler", "node-handler", "image"] as const;
export type ProgramKind = (typeof PROGRAM_KINDS)[number];

const SHELL = `#!/bin/sh
# Each call starts this program: the body is its input, and its output is the answer.
# The query is in QUERY_STRING, the path below the function in PATH_INFO, a header in HTTP_NAME.
set -eu
echo "called with \${REQUEST_METHOD} \${PATH_INFO:-/}" >&2
tr '[:lower:]' '[:upper:]'
`;

const PYTHON = `#!/usr/bin/env python3
"""Each call starts this program: the body is its input, and its output is the answer."""
import collections
import os
import sys

print("called with", os.environ["REQUEST_METHOD"], file=sys.stderr)
words = collections.Counter(sys.stdin.read().split())
for word, count in words.most_common(10):
    print(count, word)
`;

const NODE = `#!/usr/bin/env node
// Each call starts this program: the body is its input, and its output is the answer.
import { text } from "node:stream/consumers";

console.error("called with", process.env.REQUEST_METHOD);
const words = (await text(process.stdin)).split(/\\s+/).filter((word) => word !== "");
console.log(JSON.stringify({ words: words.length }));
`;

const PYTHON_HANDLER = `def greet(event, context):
    name = event["data"].get("name", "world") if isinstance(event["data"], dict) else "world"
    return {"hello": name, "handler": context["function-name"]}
`;

const NODE_HANDLER = `module.exports = {
  greet(event, context) {
    return { hello: event.data?.name ?? "world", handler: context["function-name"] };
  },
};
`;

const HANDLER_SETTINGS = `runtime: program
# FILE.FUNCTION, which gets each event. One process serves many calls.
handler: handler.greet
memory: 128Mi
timeout: 30s
`;

function programSettings(file: string): string {
  return `# Settings of the function, kept with its code. The command line of a deploy overrides them.
runtime: program
# Started for each call, in the folder of the function.
command: [./${file}]
memory: 128Mi
timeout: 30s
# Where it may connect to: public, hosts or addresses; nowhere by default.
# net: [public]
`;
}

function imageManifest(name: string): string {
  return `# Deployed by \`skiff apply\`. The version runs the image that the name means at the deploy.
functions:
  ${name}:
    image: docker.io/library/busybox:1.37
    # The image speaks HTTP on $PORT. With "mode: call" each call starts the command instead.
    command:
    - sh
    - -c
    - mkdir /tmp/www && echo hello > /tmp/www/index.html && exec httpd -f -p "$PORT" -h /tmp/www
    memory: 128Mi
`;
}

/** Returns the files of a new function by their names. */
export function programFiles(kind: ProgramKind, name: string): Readonly<Record<string, string>> {
  switch (kind) {
    case "shell":
      return { "main.sh": SHELL, "skiff.yaml": programSettings("main.sh") };
    case "python":
      return { "main.py": PYTHON, "skiff.yaml": programSettings("main.py") };
    case "node":
      return { "main.mjs": NODE, "skiff.yaml": programSettings("main.mjs") };
    case "python-handler":
      return { "handler.py": PYTHON_HANDLER, "skiff.yaml": HANDLER_SETTINGS };
    case "node-handler":
      return { "handler.js": NODE_HANDLER, "skiff.yaml": HANDLER_SETTINGS };
    case "image":
      return { "skiff.yaml": imageManifest(name) };
  }
}
