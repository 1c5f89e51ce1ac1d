// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there
import { ABSENT, type Attempt, NOT_CAPABLE, REFUSED } from "../stage.ts";

const DENIED = /^returned "denied"$/;

const attempts: readonly (readonly [code: string, expect?: RegExp])[] = [
  ["new Deno.Command('/bin/true').outputSync().code"],
  ["new Deno.Command(Deno.execPath(), { args: ['eval', '1'] }).outputSync().code"],
  ["Deno.spawn('/bin/true')"],
  ["outcome(child.spawn('/bin/true'), 'spawn')"],
  ["outcome(child.fork(given.scratch + '/x.js'), 'spawn')"],
  [
    "child.spawnSync('/bin/touch', [given.scratch + '/ran']) && Deno.statSync(given.scratch + '/ran')",
    /^NotFound: /,
  ],
  ["child.execSync('true')", /^Error: Command failed: true/],
  ["child.execFileSync('/bin/true')", /^Error: Command failed: \/bin\/true/],
  ["outcome((await import('node:cluster')).default.fork(), 'online')"],
  [
    "inWorker(`try { new Deno.Command('/bin/true').outputSync() } catch (e) { postMessage(String(e)) }`)",
    REFUSED,
  ],

  ["Deno.dlopen('libc.so.6', { getpid: { parameters: [], result: 'i32' } })"],
  ["Deno.dlopen(given.scratch + '/addon.node', {})"],
  ["Deno.UnsafePointer.create(1n)"],
  ["new Deno.UnsafeCallback({ parameters: [], result: 'void' }, () => {})"],
  ["process.dlopen({ exports: {} }, given.scratch + '/addon.node')"],
  ["(await import('node:module')).createRequire(import.meta.url)(given.scratch + '/addon.node')"],
  [
    "inWorker(`try { Deno.dlopen('libc.so.6', {}) } catch (e) { postMessage(e.name) }`)",
    /^returned "NotCapable"$/,
  ],

  ["Deno.kill(given.pid, 'SIGCONT')"],
  ["Deno.kill(Deno.ppid, 'SIGCONT')"],
  ["Deno.kill(given.otherPid, 'SIGCONT')"],
  ["process.kill(process.ppid, 'SIGCONT')"],
  ["process.kill(process.ppid, 0)"],
  ["process.kill(given.otherPid, 0)"],
  ["process.kill(-1, 0)"],
  ["process.kill(0, 0)"],

  ["Deno.hostname()"],
  ["Deno.osRelease()"],
  ["Deno.osUptime()"],
  ["Deno.loadavg()"],
  ["Deno.networkInterfaces()"],
  ["Deno.systemMemoryInfo()"],
  ["Deno.uid()"],
  ["Deno.gid()"],
  ["os.hostname()"],
  ["os.cpus()"],
  ["os.networkInterfaces()"],
  ["os.totalmem()"],
  ["os.userInfo()"],
  ["os.homedir()", /^returned ".*\/scratch"$/],
  ["os.setPriority(0, 0)"],
  ["process.getuid()"],
  ["process.setuid(65534)"],
  ["process.report.getReport()"],

  ["Deno.permissions.requestSync({ name: 'run' }).state", DENIED],
  ["Deno.permissions.requestSync({ name: 'ffi' }).state", DENIED],
  ["Deno.permissions.requestSync({ name: 'read', path: '/etc' }).state", DENIED],
  ["Deno.permissions.requestSync({ name: 'net', host: '127.0.0.1' }).state", DENIED],
  ["Deno.permissions.requestSync({ name: 'sys' }).state", DENIED],
  ["(await import('node:inspector')).open(0, '127.0.0.1')"],
  ["(await import('node:inspector')).open(9229, '0.0.0.0')"],
  [
    "outcome(new threads.Worker(`require('node:fs').readFileSync('/etc/passwd')`, { eval: true }), 'exit')",
    REFUSED,
  ],
  [
    "outcome(new threads.Worker(`require('node:child_process').spawn('/bin/true')`, { eval: true, env: { DENO_PERMISSIONS: 'all' } }), 'exit')",
    REFUSED,
  ],
  [
    "outcome(new threads.Worker('1', { eval: true, execArgv: ['--allow-all'] }), 'exit')",
    /invalid execArgv flags: --allow-all/,
  ],
  ["core.ops.op_spawn_child ?? core.ops.op_spawn_sync ?? core.ops.op_ffi_load ?? null", /^returned null$/],
  ["core.ops.op_napi_open('/bin/true', globalThis, os.cpus, os.cpus, os.cpus, os.cpus, os.cpus, os.cpus)"],
  ["process.binding('spawn_sync').spawn", /^returned undefined$/],
  ["Deno.bundle({ entrypoints: ['/etc/passwd'] })", ABSENT],
  ["Deno.openKv(given.scratch + '/kv')", ABSENT],
  ["vm.runInThisContext('Deno').readTextFileSync('/etc/passwd')"],
  ["vm.runInNewContext('this.constructor.constructor(`return Deno`)()').readTextFileSync('/etc/passwd')"],
  ["new Function('return Deno')().readTextFileSync('/etc/passwd')"],
  ["prompt('password?')", /^returned null$/],
];

const controls: Attempt[] = [
  {
    title: "may compute in a worker",
    code: "return inWorker(`postMessage(6 * 7)`)",
    expect: /^returned 42$/,
  },
  {
    title: "may run WebAssembly",
    code: "return new WebAssembly.Memory({ initial: 1 }).buffer.byteLength",
    expect: /^returned 65536$/,
  },
];

/** They use modules of Node by these names. */
export const PROCESS_TOP = `
  import child from "node:child_process";
  import os from "node:os";
  import vm from "node:vm";
  import threads from "node:worker_threads";
  const core = Deno[Deno.internal].core;
  Deno.writeTextFileSync(Deno.env.get("TMPDIR") + "/addon.node", "no library");
`;

export const processAttempts: readonly Attempt[] = [
  ...controls,
  ...attempts.map(([code, expect = NOT_CAPABLE]) => ({
    title: `is refused ${code}`,
    code: `return ${code}`,
    expect,
  })),
];

/** Each ends the instance that tries it, and nothing else. */
export const suicides: readonly Attempt[] = [
  "Deno.exit(3)",
  "process.abort()",
  "Deno.kill(Deno.pid, 'SIGKILL')",
  "process.kill(process.pid, 'SIGUSR1')",
  "Deno.connect({ transport: 'vsock', cid: 1, port: 1024 })",
  "inWorker('', { deno: { permissions: 'inherit' } })",
  "inWorker('', { deno: { permissions: { run: true, read: true } } })",
].map((code) => ({
  title: code,
  code: `return ${code}`,
  expect: /socket hang up|ECONNRESET/,
  // The first process of a container gets no signal from inside that it has no handler for.
  ...(/SIGKILL|SIGUSR1/.test(code) ? { elsewhere: { pod: /^returned (undefined|true)$/ } } : {}),
}));
