/**
 * Filters of system calls, as seccomp(2) takes them: programs of classic BPF. Pure. They refuse what needs no right and no
 * program of a function needs, because it opens large parts of the kernel: namespaces, in which a program would have every
 * right, keys of the user, and sockets that no network namespace holds. They also refuse to trace: where Skiff is not root,
 * the first process of a sandbox has the same user, and no filter.
 */

/** Numbers of system calls by processor; those from 424 on are the same everywhere. */
const CALLS = {
  x64: {
    ...{ arch: 0xc000003e, clone: 56, socket: 41 },
    refused: {
      ...{ unshare: 272, setns: 308, mount: 165, umount2: 166, pivot_root: 155 },
      ...{ keyctl: 250, add_key: 248, request_key: 249, bpf: 321, perf_event_open: 298, userfaultfd: 323 },
      ...{ ptrace: 101, process_vm_readv: 310, process_vm_writev: 311 },
    },
  },
  arm64: {
    ...{ arch: 0xc00000b7, clone: 220, socket: 198 },
    refused: {
      ...{ unshare: 97, setns: 268, mount: 40, umount2: 39, pivot_root: 41 },
      ...{ keyctl: 219, add_key: 217, request_key: 218, bpf: 280, perf_event_open: 241, userfaultfd: 282 },
      ...{ ptrace: 117, process_vm_readv: 270, process_vm_writev: 271 },
    },
  },
} as const;
const REFUSED_EVERYWHERE = {
  ...{ open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433 },
  ...{ mount_setattr: 442, pidfd_getfd: 438 },
};
/** Libraries do without them where a kernel has none. The flags of clone3 are in memory, where no filter can look. */
const UNKNOWN = { io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, clone3: 435 };
/** CLONE_NEWNS, -CGROUP, -UTS, -IPC, -USER, -PID and -NET. */
const NAMESPACES = 0x7e02_0000;
/** AF_PACKET, AF_ALG and AF_VSOCK, which leads to the host of a virtual machine. */
const FAMILIES = [17, 38, 40];
/** The second set of calls of x86-64 processors. */
const X32 = 0x4000_0000;

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const ALLOW = 0x7fff_0000;
const refuse = (error: number) => 0x0005_0000 | error;

/** Offsets in seccomp_data. */
const NUMBER = 0;
const ARCH = 4;
const FIRST_ARGUMENT = 16;

type Step = readonly [code: number, ifTrue: number, ifFalse: number, value: number];
const load = (offset: number): Step => [0x20, 0, 0, offset];
const answer = (value: number): Step => [0x06, 0, 0, value];
const skipUnless = (code: number) => (value: number, steps: number) => [code, 0, steps, value] as Step;
const unlessEqual = skipUnless(0x15);
const unlessAtLeast = skipUnless(0x35);
const unlessAnyBit = skipUnless(0x45);

/** Returns the filter for programs; undefined for a processor whose calls are not known. */
export function programFilter(processor: string): Buffer | undefined {
  const calls = processor === "x64" || processor === "arm64" ? CALLS[processor] : undefined;
  if (calls === undefined) return undefined;
  const all = (numbers: object, error: number) =>
    Object.values(numbers).flatMap((number) => [unlessEqual(number, 1), answer(refuse(error))]);
  const families = FAMILIES.flatMap((family) => [unlessEqual(family, 1), answer(refuse(EAFNOSUPPORT))]);
  return encode([
    load(ARCH),
    // Calls of other processors, such as those of 32 bits, have other numbers.
    [0x15, 1, 0, calls.arch],
    answer(refuse(ENOSYS)),
    load(NUMBER),
    ...[unlessAtLeast(X32, 1), answer(refuse(ENOSYS))],
    ...all(calls.refused, EPERM),
    ...all(REFUSED_EVERYWHERE, EPERM),
    ...all(UNKNOWN, ENOSYS),
    ...[unlessEqual(calls.clone, 4), load(FIRST_ARGUMENT)],
    ...[unlessAnyBit(NAMESPACES, 1), answer(refuse(EPERM)), answer(ALLOW)],
    ...[unlessEqual(calls.socket, families.length + 2), load(FIRST_ARGUMENT), ...families, answer(ALLOW)],
    answer(ALLOW),
  ]);
}

/** Encodes `struct sock_filter` for processors whose first byte is the lowest, as both are. */
function encode(steps: readonly Step[]): Buffer {
  const bytes = Buffer.alloc(steps.length * 8);
  steps.forEach(([code, ifTrue, ifFalse, value], at) => {
    bytes.writeUInt16LE(code, at * 8);
    bytes.writeUInt8(ifTrue, at * 8 + 2);
    bytes.writeUInt8(ifFalse, at * 8 + 3);
    bytes.writeUInt32LE(value, at * 8 + 4);
  });
  return bytes;
}
