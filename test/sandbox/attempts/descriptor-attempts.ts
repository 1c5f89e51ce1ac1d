// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there

import { type Attempt, NOT_CAPABLE } from "../stage.ts";
import { LINK_TOP, NOWHERE } from "./link-attempts.ts";

/** Files that the process of Deno has open, and what the kernel shows of processes and devices. */
export const DESCRIPTOR_TOP = `${LINK_TOP}
  import tty from "node:tty";
  const numbers = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  /** What is got of each number of a descriptor: only what is not refused. */
  const each = async (get) => {
    const got = [];
    for (const fd of numbers) {
      try { got.push([fd, await get(fd)]); } catch {}
    }
    return got;
  };
  const within = (promise) => Promise.race([promise, new Promise((_, no) => setTimeout(no, 100, new Error("late")))]);
`;

const NONE = /^returned \[\]$/;
type Row = readonly [code: string, expect?: RegExp, elsewhere?: Attempt["elsewhere"]];

const numbers: readonly Row[] = [
  ...[
    "fs.fstatSync(fd).size",
    "fs.readSync(fd, new Uint8Array(8))",
    "fs.writeSync(fd, 'x')",
    "fs.ftruncateSync(fd)",
    "fs.fsyncSync(fd)",
    "fs.readFileSync(fd)",
    "fs.writeFileSync(fd, 'x')",
    "fs.appendFileSync(fd, 'x')",
    "fs.fchmodSync(fd, 0o777)",
    "fs.futimesSync(fd, 0, 0)",
    "fs.closeSync(fd)",
    "fs.readvSync(fd, [new Uint8Array(8)])",
    "fs.writevSync(fd, [new Uint8Array(8)])",
    "within(new Promise((ok, no) => fs.createReadStream('', { fd }).on('data', ok).on('error', no)))",
    "within(new Promise((ok, no) => fs.createWriteStream('', { fd }).on('error', no).end('x', (error) => (error ? no(error) : ok()))))",
    "new tty.ReadStream(fd).isRaw",
    "new tty.WriteStream(fd).columns.length",

    "within(new Promise((ok, no) => nodeNet.createServer().on('error', no).listen({ fd }, ok)))",
    "core.ops.op_fs_file_stat_sync(fd)",
    "core.readSync(fd, new Uint8Array(8))",
    "core.writeSync(fd, new Uint8Array(8))",
    "core.ops.op_fs_seek_sync(fd, 0, 0)",
  ].map((code): Row => [`each((fd) => ${code.replaceAll("core.", "Deno[Deno.internal].core.")})`, NONE]),
  // Deno wraps those of its own process in a socket of node:net; nothing else is among them.
  [
    "(await each((fd) => within(new Promise((ok, no) => new nodeNet.Socket({ fd }).on('error', no).on('data', (data) => ok(String(data))))))).join()",
    /^returned ""$/,
    // There it ends itself: what it wraps has another number.
    { pod: /./ },
  ],
  [
    "tty.isatty(0) || tty.isatty(1) || tty.isatty(2) || numbers.some((fd) => tty.isatty(fd))",
    /^returned false$/,
  ],
  ["Deno.stdin.isTerminal() || Deno.stdout.isTerminal() || Deno.stderr.isTerminal()", /^returned false$/],
  ["Deno.stdin.setRaw(true)", /Inappropriate ioctl|not a terminal|ENOTTY|BadResource|^returned undefined/],
  ["Deno.consoleSize()", /Inappropriate ioctl|ENOTTY|not a terminal|could not get console size/i],
];

/** A shape of what the runtime tells the platform; its secret prefix is no function's to know. */
const said: readonly Row[] = [
  ["console.log('0'.repeat(32) + ' ready')", /^returned undefined$/],
  ["Deno.stdout.writeSync(new TextEncoder().encode('0'.repeat(32) + ' alive\\n'))", /^returned \d+$/],
  ["process.stdout.write('x'.repeat(32) + ' ready\\n')", /^returned true$/],
  ["fs.writeSync(1, '0'.repeat(32) + ' alive\\n')", /^returned \d+$|EBADF/],
  ["(await Wasi.open({ preopens: {} })).write(1, '0'.repeat(32) + ' ready\\n')", /^returned \d+$/],
  ["fs.writeSync(2, '0'.repeat(32) + ' ready\\n')", /^returned \d+$|EBADF/],
];

/** Folders and files of the kernel, asked for by name and through a link. */
const KERNEL = [
  "/proc/self/environ",
  "/proc/self/mem",
  "/proc/self/maps",
  "/proc/self/cmdline",
  "/proc/self/status",
  "/proc/self/mountinfo",
  "/proc/self/auxv",
  "/proc/self/fd/0",
  "/proc/self/fd/1",
  "/proc/self/fdinfo/0",
  "/proc/self/root",
  "/proc/self/cwd/x",
  "/proc/self/exe",
  "/proc/self/task",
  "/proc/thread-self/environ",
  "/proc/thread-self/mem",
  "/proc/1/environ",
  "/proc/1/mem",
  "/proc/1/root",
  "/proc/1/cwd",
  "/proc/1/cmdline",
  "/proc/1/mountinfo",
  "/proc/1/ns/mnt",
  "/proc/self/ns/mnt",
  "/proc/self/ns/user",
  "/proc/self/uid_map",
  "/proc/self/setgroups",
  "/proc/self/oom_score_adj",
  "/proc/self/coredump_filter",
  "/proc/self/attr/current",
  "/proc/net/tcp",
  "/proc/net/unix",
  "/proc/self/net/unix",
  "/proc/sys/kernel/core_pattern",
  "/proc/sys/kernel/hostname",
  "/proc/sys/vm/overcommit_memory",
  "/proc/sysrq-trigger",
  "/proc/kcore",
  "/proc/kallsyms",
  "/proc/keys",
  "/proc/key-users",
  "/proc/kmsg",
  "/proc/config.gz",
  "/proc/cpuinfo",
  "/proc/meminfo",
  "/proc/version",
  "/proc/mounts",
  "/proc/swaps",
  "/proc/modules",
  "/proc/timer_list",
  "/proc/sched_debug",
  "/proc/slabinfo",
  "/proc/pressure/cpu",
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/scsi",
  "/proc/tty",
  "/sys/kernel/debug",
  "/sys/fs/cgroup/cgroup.procs",
  "/sys/firmware/efi",
  "/sys/class/net",
  "/sys/kernel/uevent_helper",
  "/sys/module",
  "/dev/mem",
  "/dev/kmem",
  "/dev/kmsg",
  "/dev/port",
  "/dev/fuse",
  "/dev/kvm",
  "/dev/vsock",
  "/dev/tty",
  "/dev/ptmx",
  "/dev/pts/0",
  "/dev/console",
  "/dev/net/tun",
  "/dev/shm/x",
  "/dev/mqueue/x",
  "/dev/hugepages",
  "/dev/vda",
  "/dev/sda",
  "/dev/loop-control",
  "/dev/fd/0",
  "/dev/stdin",
  "/dev/core",
  "/dev/log",
  "/dev/userfaultfd",
];

const kernel: Row[] = KERNEL.flatMap((path): Row[] => [
  [`Deno.readTextFileSync(${JSON.stringify(path)}).slice(0, 9)`],
  [`fs.openSync(${JSON.stringify(path)}, 'r+')`],
]);

/** Opened, and still of the function's own world: its root, its program; and how busy the machine is. */
const OPENS = ["/proc/self/root", "/proc/self/exe", "/proc/1/root", "/proc/1/cwd", "/proc/pressure/cpu"];
const HELD = new RegExp(`${NOT_CAPABLE.source}|${NOWHERE.source}|PermissionDenied|EACCES|EPERM|EISDIR|ENXIO`);
const HELD_OR_OPEN = new RegExp(`${HELD.source}|^returned \\d+$`);

/** Deno checks most of these even behind links. Where it does not, there is nothing, or nothing that may be opened. */
const linked: Row[] = KERNEL.map((path): Row => {
  const code = `fs.openSync(await linkTo(${JSON.stringify(path)}))`;
  // Standard input of a pod is /dev/null, which everybody may open.
  return [code, OPENS.includes(path) ? HELD_OR_OPEN : HELD, { pod: HELD_OR_OPEN }];
});

const all = (rows: readonly Row[]): Attempt[] =>
  rows.map(([code, expect = NOT_CAPABLE, elsewhere]) => ({
    title: `holds: ${code}`,
    code: `return ${code}`,
    expect,
    ...(elsewhere && { elsewhere }),
  }));

export const descriptorAttempts: readonly Attempt[] = all([...said, ...numbers]);
export const kernelAttempts: readonly Attempt[] = all([...kernel, ...linked]);
