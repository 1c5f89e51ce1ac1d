// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there

import { type Attempt, NOT_CAPABLE, REFUSED } from "../stage.ts";
import { LINK_TOP, NOWHERE } from "./link-attempts.ts";

/** Sockets, signals and permissions of others, and what a function does with what is its own. */
export const OWN_TOP = `${LINK_TOP}
  import child from "node:child_process";
  import os from "node:os";
  import cluster from "node:cluster";
  import dgram from "node:dgram";
  const within = (promise, ms = 300) => Promise.race([promise, new Promise((_, no) => setTimeout(no, ms, new Error("late")))]);
  const unix = (path) => Deno.connect({ transport: "unix", path }).then((c) => { c.close(); return "connected"; });
  const nodeUnix = (path) => within(new Promise((ok, no) => nodeNet.connect({ path }).on("connect", () => ok("connected")).on("error", no)));
  const proxied = (path) => within(fetch("http://x/", { client: Deno.createHttpClient({ proxy: { transport: "unix", path } }) }).then((r) => r.text()));
`;

type Row = readonly [code: string, expect?: RegExp, elsewhere?: Attempt["elsewhere"]];
const NO_FOLDER = { bare: /^NotCapable: |failed to open preopen/ };
const DENIED = /^returned "denied"$/;

const SOCKETS = [
  "given.other",
  "given.self",
  "given.self + '/../../../run/management'",
  "given.data + '/run/router'",
  "given.data + '/networks/x'",
  "'/var/run/docker.sock'",
  "'/run/docker.sock'",
  "'/run/containerd/containerd.sock'",
  "'/run/systemd/private'",
  "'/run/dbus/system_bus_socket'",
  "'/run/systemd/resolve/io.systemd.Resolve'",
  "'/dev/log'",
  "'/run/podman/podman.sock'",
  "'/run/crio/crio.sock'",
  "'/tmp/.X11-unix/X0'",
  "'/run/user/0/bus'",
  "'/proc/self/fd/0'",
  "'/work/sock'",
  "`/proc/${given.pid}/root/run/x`",
];
const sockets: Row[] = SOCKETS.flatMap((path): Row[] => [
  [`unix(${path})`],
  [`nodeUnix(${path})`],
  [`proxied(${path})`],
  [`Deno.listen({ transport: 'unix', path: ${path} })`],
]);

/** Deno asks no permission for these beside `public` (abstract-sockets.test.ts): nobody listens on them. */
const NOBODY = /^NotCapable: |Refused|ECONNREFUSED|ENOENT|NotFound/;
const abstract: Row[] = [
  "'\\u0000skiff'",
  "'@skiff'",
  "'\\u0000/tmp/.X11-unix/X0'",
  "'\\u0000containerd-shim'",
].flatMap((path): Row[] => [
  [`unix(${path})`, NOBODY],
  [`nodeUnix(${path})`, NOBODY],
]);

const throughLinks: Row[] = [
  [
    "unix(await linkTo(given.other))",
    NOWHERE,
    { permissions: /^returned "connected"$/, pod: NOWHERE, ...NO_FOLDER },
  ],
  [
    "nodeUnix(await linkTo(given.other))",
    NOWHERE,
    { permissions: /^returned "connected"$/, pod: NOWHERE, ...NO_FOLDER },
  ],
  [
    "proxied(await linkTo(given.other))",
    NOWHERE,
    { permissions: /^returned "other"$/, pod: NOWHERE, ...NO_FOLDER },
  ],
  ["unix(await through('/var/run/docker.sock'))", NOWHERE, NO_FOLDER],
  [
    "Deno.listen({ transport: 'unix', path: await linkTo(given.outside + '/escaped') })",
    /AddrInUse/,
    NO_FOLDER,
  ],
  [
    "within(new Promise((ok, no) => nodeNet.createServer().on('error', no).listen({ path: await_path }, ok)))".replace(
      "await_path",
      "given.outside + '/escaped'",
    ),
  ],
  ["Wasi.open().then((w) => w.call('path_link', 3, 0, '../sock', 3, 'sock'))", /NOTCAPABLE/, NO_FOLDER],
  ["Wasi.open().then((w) => w.call('path_rename', 3, '../sock', 3, 'sock'))", /NOTCAPABLE/, NO_FOLDER],
  ["Deno.linkSync(given.other, scratch + '/hard')"],
  ["Deno.renameSync(given.self, scratch + '/mine')"],
  ["Deno.removeSync(given.self)"],
  ["Deno.statSync(given.self).isSocket"],
  ["Deno.chmodSync(given.self, 0o777)"],
];

const processes: Row[] = [
  ...[
    "Deno.kill(given.pid, 'SIGKILL')",
    "Deno.kill(given.otherPid, 'SIGKILL')",
    "Deno.kill(-1, 'SIGKILL')",
    "process.kill(-given.pid, 0)",
    "process._kill(given.pid, 0)",
    "process.debugPort && process._debugProcess(given.pid)",
    "process.umask(0)",
    "process.chdir('/')",
    "Deno.umask(0)",
    "Deno.execPath().length && new Deno.Command('/skiff/deno').outputSync()",
    "process.setgid(0)",
    "process.setegid(0)",
    "process.seteuid(0)",
    "process.setgroups([0])",
    "process.initgroups('root', 0)",
    "process.geteuid()",
    "process.getgroups()",
    "os.setPriority(given.pid, -20)",
    "os.getPriority(given.pid)",
    "os.release()",
    "os.uptime()",
    "os.loadavg()",
    "os.freemem()",
    "os.version()",
  ].map(
    (code): Row => [
      code,
      /^NotCapable: |is not a function|not implemented|only available|^returned \d+$|Requires/,
    ],
  ),
  ["Deno.spawn && new Deno.Command('/bin/mount').spawn()"],
  ["new Deno.Command('/usr/bin/unshare', { args: ['-r', 'true'] }).outputSync()"],
  ["new Deno.Command('/usr/bin/nsenter', { args: ['-t', '1', '-a'] }).outputSync()"],
  [
    "Deno[Deno.internal].core.ops.op_setns ?? Deno[Deno.internal].core.ops.op_unshare ?? Deno[Deno.internal].core.ops.op_prctl ?? null",
    /^returned null$/,
  ],
  [
    "cluster.setupPrimary({ exec: '/bin/true' }) ?? cluster.fork()",
    /NotCapable|not implemented|is not a function|Requires|^returned /,
  ],
];

const permissions: Row[] = [
  ...["run", "ffi", "env", "sys", "import", "read", "write", "net"].flatMap((name): Row[] => [
    [
      `Deno.permissions.requestSync({ name: '${name}' }).state`,
      /^returned "(denied|granted|prompt)"$|"import"/,
    ],
    [
      `Deno.permissions.request({ name: '${name}' }).then((p) => p.state)`,
      /^returned "(denied|granted|prompt)"$|"import"/,
    ],
  ]),
  ...["read", "write"].flatMap((name) =>
    [
      "given.data",
      "given.secret",
      "'/'",
      "given.otherScratch",
      "given.self",
      "scratch + '/..'",
      "'/proc/self'",
      "'/dev'",
      "'/work'",
    ].map(
      (path): Row => [
        `Deno.permissions.querySync({ name: '${name}', path: ${path} }).state`,
        /^returned "(denied|prompt)"$/,
      ],
    ),
  ),
  ["Deno.permissions.requestSync({ name: 'run', command: '/bin/sh' }).state", DENIED],
  ["Deno.permissions.requestSync({ name: 'net', host: '169.254.169.254' }).state", DENIED],
  ["inWorker(`postMessage(Deno.permissions.requestSync({ name: 'read', path: '/etc' }).state)`)", DENIED],
  [
    "inWorker(`try { postMessage(Deno.readTextFileSync('/etc/passwd')) } catch (e) { postMessage(e.name) }`)",
    /^returned "NotCapable"$/,
  ],
  [
    "outcome(new threads.Worker(`require('node:fs').readFileSync('/etc/passwd')`, { eval: true }), 'exit')",
    REFUSED,
  ],
  ["confirm('allow?')", /^returned false$/],
  ["prompt('allow?')", /^returned null$/],
  ["process.env.LOGNAME ?? process.env.PATH ?? process.env.USER ?? null", /^returned null$/],
  [
    "Object.keys(Deno.env.toObject()).filter((name) => name !== 'TMPDIR' && name !== 'HOME')",
    /^returned \[\]$/,
  ],
  ["Deno.env.get('DENO_DIR') ?? Deno.env.get('SKIFF_TOKEN') ?? null", /^returned null$/],
  ["new Promise((ok) => setTimeout(ok, 2 ** 31, 'at once'))", /^returned "at once"$/],
  ["within(new Promise((ok) => setTimeout(ok, 2 ** 31 - 1)), 50)", /^Error: late$/],
];

/** What is its own, used up. The size of the folder is the wall's; without one it has none. */
const fills: Row[] = [
  [
    "Deno.mkdirSync(fresh() + '/a'.repeat(1500), { recursive: true })",
    /^returned undefined$/,
    { bare: NOT_CAPABLE, pod: /./ },
  ],
  [
    "Deno.writeTextFileSync(scratch + '/' + 'n'.repeat(300), '')",
    /ENAMETOOLONG|too long/i,
    { bare: NOT_CAPABLE },
  ],
  ["Deno.readTextFileSync(scratch + '/x'.repeat(3000))", /too long/i, { bare: NOT_CAPABLE }],
  [
    "(() => { const path = fresh(); Deno.createSync(path).truncateSync(2 ** 40); const { size } = Deno.statSync(path); Deno.removeSync(path); return size; })()",
    /^returned 1099511627776$/,
    { bare: NOT_CAPABLE, pod: /./ },
  ],
  ["child.execFileSync('/usr/bin/mkfifo', [scratch + '/fifo'])", /NotCapable|ENOENT|Command failed/],
];

const all = (rows: readonly Row[]): Attempt[] =>
  rows.map(([code, expect = NOT_CAPABLE, elsewhere]) => ({
    title: `holds: ${code}`,
    code: `return ${code}`,
    expect,
    ...(elsewhere && { elsewhere }),
  }));

export const socketAttempts: readonly Attempt[] = all([...sockets, ...abstract, ...throughLinks]);
export const ownAttempts: readonly Attempt[] = all([...processes, ...permissions, ...fills]);
