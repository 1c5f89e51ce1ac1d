// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there
import type { Attempt } from "../stage.ts";
import { WASI_TOP } from "./wasi-top.ts";

/** Every call of WASI, from a module of WebAssembly. */
export const WASI_ATTEMPTS_TOP = `${WASI_TOP}
  const wasi = await Wasi.open().catch(() => undefined);
  let made = 0;
  const fresh = () => "made" + ++made;
  const folder = () => { const path = fresh(); wasi.must("path_create_directory", 3, path); return path; };
  const preopen = (path) => Wasi.open({ preopens: { "/": path } });
`;

const NO_PREOPEN = /uvwasi_init: failed to open preopen/;
const NO_WASI =
  /^TypeError: Cannot read properties of undefined|^NotCapable: |uvwasi_init: failed to open preopen/;
const STAYS_IN =
  /^returned "(NOTCAPABLE|NOENT|PERM|INVAL|ACCES)"$|path_open (NOTCAPABLE|NOENT|PERM|ACCES|IO)/;

/** Paths that leave the folder. */
const OUT = [
  "..",
  "../sock",
  "../../..",
  "/etc/passwd",
  "/",
  "./../sock",
  "a/../../sock",
  `${"../".repeat(200)}etc/passwd`,
  "//etc/passwd",
  "..\u0000",
];

/** Calls that take a path; each with all of those. */
const PATH_CALLS: Readonly<Record<string, string>> = {
  path_create_directory: "wasi.call('path_create_directory', 3, path)",
  path_remove_directory: "wasi.call('path_remove_directory', 3, path)",
  path_unlink_file: "wasi.call('path_unlink_file', 3, path)",
  path_filestat_get: "wasi.call('path_filestat_get', 3, 1, path, wasi.room(64))",
  path_filestat_set_times: "wasi.call('path_filestat_set_times', 3, 1, path, 0n, 0n, 1)",
  path_readlink: "wasi.call('path_readlink', 3, path, wasi.room(64), 64, wasi.room(4))",
  path_symlink: "wasi.call('path_symlink', 'x', 3, path)",
  "path_rename from": "wasi.call('path_rename', 3, path, 3, fresh())",
  "path_rename to": "wasi.call('path_rename', 3, folder(), 3, path)",
  "path_link from": "wasi.call('path_link', 3, 1, path, 3, fresh())",
  "path_link to":
    "(Deno.writeTextFileSync(scratch + '/file', ''), wasi.call('path_link', 3, 0, 'file', 3, path))",
};

const paths: Attempt[] = Object.entries(PATH_CALLS).flatMap(([call, code]) =>
  OUT.map((path) => ({
    title: `keeps ${call} ${JSON.stringify(path.slice(0, 20))} inside of the folder`,
    code: `const path = ${JSON.stringify(path)}; return ${code}`,
    expect: STAYS_IN,
    elsewhere: { bare: NO_WASI },
  })),
);

/** path_open with each of its flags, on a path outside. */
const opens: Attempt[] = [0, 1, 2, 4, 5, 8, 9, 13].flatMap((oflags) =>
  [0, 1, 4, 16].flatMap((fdflags) => ({
    title: `keeps path_open with oflags ${oflags} and fdflags ${fdflags} inside of the folder`,
    code: `const at = (path, follow) => wasi.call("path_open", 3, follow, path, ${oflags}, -1n, -1n, ${fdflags}, wasi.room(4));
      return [at("../escaped", 1), at("/etc/passwd", 0), at("../../secret", 1)].find((each) => each !== "NOTCAPABLE") ?? "NOTCAPABLE"`,
    expect: STAYS_IN,
    elsewhere: { bare: NO_WASI },
  })),
);

/** Folders that nobody gave the function. */
const preopens: Attempt[] = [
  ...[
    "'/'",
    "'..'",
    "'../..'",
    "scratch + '/..'",
    "'/etc'",
    "'/proc/self'",
    "'/proc/self/cwd/..'",
    "'/dev'",
    "'/sys'",
    "'/tmp'",
  ],
  ...[
    "'/work'",
    "'/skiff'",
    "given.data",
    "given.outside",
    "given.otherScratch",
    "''",
    "'/proc/self/root'",
    "'/dev/fd'",
  ],
  ...[
    "scratch + '/../..'",
    "scratch + '-more'",
    "new URL('.', import.meta.url).pathname",
    "`/proc/${given.pid}/cwd`",
    "'/proc/1/root'",
  ],
].map((path) => ({
  title: `opens no folder ${path}`,
  code: `return (await preopen(${path})).list(3)`,
  expect: NO_PREOPEN,
}));

/** Numbers of descriptors that the module was not given. */
const DESCRIPTORS = "[4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 100, -1].map((fd) => CALL)";
const descriptors: Attempt[] = [
  "wasi.call('fd_prestat_get', fd, wasi.room(8))",
  "wasi.call('fd_prestat_dir_name', fd, wasi.room(64), 64)",
  "wasi.call('fd_fdstat_get', fd, wasi.room(24))",
  "wasi.call('fd_filestat_get', fd, wasi.room(64))",
  "wasi.call('fd_filestat_set_size', fd, 0n)",
  "wasi.call('fd_filestat_set_times', fd, 0n, 0n, 1)",
  "wasi.call('fd_allocate', fd, 0n, 1n)",
  "wasi.call('fd_close', fd)",
  "wasi.call('fd_sync', fd)",
  "wasi.call('fd_datasync', fd)",
  "wasi.call('fd_tell', fd, wasi.room(8))",
  "wasi.call('fd_seek', fd, 0n, 0, wasi.room(8))",
  "wasi.call('fd_read', fd, wasi.iovec(wasi.room(8), 8), 1, wasi.room(4))",
  "wasi.call('fd_pread', fd, wasi.iovec(wasi.room(8), 8), 1, 0n, wasi.room(4))",
  "wasi.call('fd_write', fd, wasi.iovec(wasi.room(8), 8), 1, wasi.room(4))",
  "wasi.call('fd_pwrite', fd, wasi.iovec(wasi.room(8), 8), 1, 0n, wasi.room(4))",
  "wasi.call('fd_readdir', fd, wasi.room(64), 64, 0n, wasi.room(4))",
  "wasi.call('fd_renumber', fd, 3)",
  "wasi.call('path_open', fd, 1, 'etc/passwd', 0, 2n, 0n, 0, wasi.room(4))",
  "wasi.call('path_symlink', '/', fd, 'root')",
  "wasi.call('sock_accept', fd, 0, wasi.room(4))",
  "wasi.call('sock_recv', fd, wasi.iovec(wasi.room(8), 8), 1, 0, wasi.room(4), wasi.room(4))",
  "wasi.call('sock_send', fd, wasi.iovec(wasi.room(8), 8), 1, 0, wasi.room(4))",
  "wasi.call('sock_shutdown', fd, 3)",
].map((call) => ({
  title: `gives no descriptor of the process: ${call}`,
  code: `const wasi = await Wasi.open(); return ${DESCRIPTORS.replace("CALL", call)}.filter((each) => each !== "BADF" && each !== "NOSYS" && each !== "INVAL")`,
  expect: /^returned \[\]$/,
  elsewhere: { bare: NO_WASI },
}));

/** A folder that is open, and is replaced by a link while it is. */
const swaps: Attempt[] = [
  "const path = folder(); const fd = wasi.open(path, { oflags: 2 }); Deno.removeSync(scratch + '/' + path); wasi.must('path_symlink', given.outside, 3, path); return wasi.list(fd)",
  "const path = folder(); const fd = wasi.open(path, { oflags: 2 }); Deno.removeSync(scratch + '/' + path); wasi.must('path_symlink', given.outside, 3, path); return wasi.read(wasi.open('secret', { dir: fd }))",
  "const path = folder(); const inner = await preopen(scratch + '/' + path); Deno.removeSync(scratch + '/' + path); wasi.must('path_symlink', given.outside, 3, path); return inner.list(3)",
  "const path = folder(); const inner = await preopen(scratch + '/' + path); Deno.removeSync(scratch + '/' + path); wasi.must('path_symlink', given.outside, 3, path); return inner.read(inner.open('secret'))",
  "const path = folder(); const inner = await preopen(scratch + '/' + path); Deno.removeSync(scratch + '/' + path); wasi.must('path_symlink', given.outside, 3, path); return inner.call('path_unlink_file', 3, 'secret')",
  "const path = folder(); const fd = wasi.open(path, { oflags: 2 }); Deno.renameSync(scratch + '/' + path, scratch + '/' + fresh()); return wasi.call('path_open', fd, 1, '../escaped', 1, -1n, -1n, 0, wasi.room(4))",
].map((code) => ({
  title: `does not follow a folder that became a link: ${code}`,
  code,
  expect:
    /^Error: (fd_readdir|path_open) (IO|NOENT|LOOP|NOTCAPABLE)$|^returned "(NOENT|IO|LOOP|NOTCAPABLE)"$/,
  elsewhere: { bare: NO_WASI, permissions: /./, pod: /./ },
}));

const rest: Attempt[] = [
  [
    "const [count, size] = [wasi.room(4), wasi.room(4)]; wasi.must('environ_sizes_get', count, size); return wasi.view.getInt32(count, true)",
    /^returned 0$/,
  ],
  [
    "const [count, size] = [wasi.room(4), wasi.room(4)]; wasi.must('args_sizes_get', count, size); return wasi.view.getInt32(count, true)",
    /^returned 0$/,
  ],
  [
    "return [1, 2, 6, 9, 15, 19].map((signal) => wasi.call('proc_raise', signal)).find((each) => each !== 'NOSYS') ?? 'NOSYS'",
    /^returned "NOSYS"$/,
  ],
  ["return wasi.call('fd_read', 3, -8, 1, -4)", /^returned "FAULT"$/],
  ["return wasi.call('random_get', 4 * 65536 - 4, 100)", /^returned "FAULT"$/],
  ["return wasi.call('path_open', 3, 1, 2147483647, 2147483647, 0, -1n, -1n, 0, 1024)", /^returned "FAULT"$/],
  ["return wasi.call('path_open', 3, 1, 'a/'.repeat(3000), 0, -1n, -1n, 0, wasi.room(4))", STAYS_IN],
  [
    "wasi.must('path_symlink', 'loop', 3, 'loop'); return wasi.call('path_open', 3, 1, 'loop', 0, -1n, -1n, 0, wasi.room(4))",
    /^returned "LOOP"$/,
  ],
  [
    "wasi.must('path_symlink', '..', 3, 'up'); return wasi.call('path_open', 3, 1, 'up/sock', 0, -1n, -1n, 0, wasi.room(4))",
    STAYS_IN,
  ],
  [
    "wasi.must('path_symlink', '.', 3, 'dot'); return wasi.call('path_open', 3, 1, 'dot/../..', 2, -1n, -1n, 0, wasi.room(4))",
    STAYS_IN,
  ],
  [
    "wasi.must('path_symlink', 'a'.repeat(4000), 3, 'long'); return wasi.call('path_open', 3, 1, 'long', 0, -1n, -1n, 0, wasi.room(4))",
    STAYS_IN,
  ],
  ["return wasi.call('path_symlink', '/', 3, 'nul\\u0000name')", STAYS_IN],
  ["return WebAssembly.instantiate(assemble(), { wasi_snapshot_preview1: {} })", /^LinkError/],
  [
    "const w = await Wasi.open({ stdin: 3, stdout: 4, stderr: 5 }); return w.call('fd_fdstat_get', 6, 0)",
    /^returned "BADF"$/,
  ],
].map(([code, expect]) => ({
  title: `holds: ${code}`,
  code: code as string,
  expect: expect as RegExp,
  elsewhere: /LinkError/.test(String(expect)) ? {} : { bare: NO_WASI },
}));

const controls: Attempt[] = [
  {
    title: "may write, read and list its scratch folder",
    code: "const fd = wasi.open('hello', { oflags: 1, rights: -1n }); wasi.write(fd, 'hello'); wasi.must('fd_close', fd); return [wasi.read(wasi.open('hello')), wasi.list(3).includes('hello')]",
    expect: /^returned \["hello",true\]$/,
    elsewhere: { bare: NO_WASI },
  },
  {
    title: "may give a program arguments and variables",
    code: "const w = await Wasi.open({ args: ['a'], env: { A: '1' }, preopens: {} }); const at = w.room(4); w.must('args_sizes_get', at, w.room(4)); return w.view.getInt32(at, true)",
    expect: /^returned 1$/,
  },
];

export const wasiAttempts: readonly Attempt[] = [
  ...controls,
  ...paths,
  ...opens,
  ...preopens,
  ...descriptors,
  ...swaps,
  ...rest,
];
