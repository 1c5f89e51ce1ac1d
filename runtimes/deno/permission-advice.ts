/**
 * Explains errors of Deno in the words of Skiff: a user of Skiff passes no flags and installs no packages. It rewrites
 * lines of logs, so that errors of loading, of calls, of workers and of libraries that log them are all explained. Pure.
 */
import { parseNetRule } from "../../platform/settings/net-rule.ts";
import { SYS_KINDS } from "../../platform/settings/permissions.ts";
import type { Settings } from "../../platform/settings/settings.ts";

type Permissions = Settings["permissions"];

const FILES =
  "a function reads its own files, and reads and writes its scratch folder, Deno.env.get('TMPDIR')";
const NATIVE =
  "this is native code, which a function cannot load: use a package in JavaScript or WebAssembly";
const LISTENS =
  "a function cannot listen on an address of its own: export a handler, call Deno.serve or listen with a server of node:http";
const FIXED = "packages and remote modules are resolved at the deploy: import with a literal specifier";

/** Texts of Deno that need an explanation and have none, and the explanation that follows them. */
const EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [/Deno\.openKv is not a function/, "Skiff has no Deno KV: keep data in a database over the network"],
  [
    /Deno\.cron is not a function/,
    "a function has no schedules of its own: call it on time from outside, for example from cron",
  ],
  [/WebSocketPair is not defined/, "open WebSockets with Deno.upgradeWebSocket(request)"],
  [/(localStorage|sessionStorage) is not defined/, "instances come and go, and keep nothing for each other"],
  [/(npm specifiers were|A remote specifier was) requested.{0,200}? is specified/, FIXED],
  [/Failed to spawn '[^']{0,200}'[^\n]{0,200}/, "a function starts no programs"],
  [
    /Cannot find module '(?=[^']{0,200}(?:\.node|node-pre-gyp|node-gyp|@img\/sharp|napi-|-(?:linux|darwin|win32)-))[^']{0,300}'/,
    NATIVE,
  ],
  [
    /(Could not load the "sharp" module|Could not locate the bindings file|No native build was found)/,
    NATIVE,
  ],
  [/(Cannot find native binding|Failed to load native binding)/, NATIVE],
];

const HINT = /--|is not a function|is not defined|Failed to spawn|Cannot find|Could not|native/;
/** Quotes may be escaped, in lines of JSON. */
const DENIED =
  /(Requires (\w+) access(?: to \\?"([^"\\]{0,300})\\?")?), run again with the --allow-\w+ flag/g;

/** Deno's advice for programs with an exported `fetch`, which Skiff serves. */
const SERVED = /^warning: Detected export default \{ fetch \}, did you mean to run "deno serve"\?$/;

/** Whether a line is a remark of Deno about the way in which Skiff starts it, which no log shows. */
export function isRemark(line: string): boolean {
  return line.startsWith("warning: ") && SERVED.test(line);
}

/** Longest line that is explained. The time of the patterns must stay far below that of printing a line. */
const MOST_CHARACTERS = 4_000;

/** Returns the line with explanations. `permissions` are those that the function has. */
export function explainLine(line: string, permissions?: Permissions): string {
  if (line.length > MOST_CHARACTERS || !HINT.test(line)) return line;
  const explained = line.replace(DENIED, (_, what: string, kind: string, target = "") => {
    return `${what}: ${adviceFor(kind, target, permissions)}`;
  });
  if (explained !== line) return explained;
  for (const [text, explanation] of EXPLANATIONS) {
    const found = text.exec(line)?.[0];
    if (found && explanation === NATIVE) return `${line}: ${explanation}`;
    if (found) return line.replace(found, () => `${found}: ${explanation}`);
  }
  return line;
}

function adviceFor(kind: string, target: string, permissions: Permissions | undefined): string {
  if (kind === "net") return netAdvice(target, permissions?.net);
  if (kind === "sys") return sysAdvice(target, permissions?.sys);
  if (kind === "read" || kind === "write") return FILES;
  if (kind === "env") return `declare the variable: deploy again with env=${target || "NAME"}=value`;
  if (kind === "ffi") return NATIVE;
  if (kind === "import") return FIXED;
  return "a function starts no programs and sends no signals";
}

function sysAdvice(kind: string, present: readonly string[] = []): string {
  if (kind !== "" && !SYS_KINDS.includes(kind)) return "no setting grants this permission";
  return `deploy again with sys=${[...present, kind || "hostname"].join(",")}`;
}

function netAdvice(target: string, present: readonly string[] | undefined): string {
  const [, host = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(target) ?? [];
  if (["", "0.0.0.0", "[::]"].includes(host)) return target.startsWith("unix:") ? FILES : LISTENS;
  const isLoopback = host === "localhost" || host === "[::1]" || host.startsWith("127.");
  // Deno checks the addresses that a name resolves to as well.
  const hosts = host === "localhost" ? ["localhost", "127.0.0.1", "[::1]"] : [host];
  // Beside `public` an entry takes no port.
  const hasPort = port !== "" && port !== "0" && !present?.includes("public");
  const entries = hosts.map((each) => (hasPort ? `${each}:${port}` : each));
  if (entries.some((entry) => parseNetRule(entry) === undefined))
    return "no entry of the setting net opens it";
  const advice =
    present === undefined
      ? `add ${entries.join(",")} to the setting net`
      : `deploy again with net=${[...present, ...entries].join(",")}`;
  return isLoopback ? `${advice}; to listen there, call Deno.serve instead` : advice;
}
