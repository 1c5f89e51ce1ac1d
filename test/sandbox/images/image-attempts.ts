/** What the program of an image tries in order to leave its container, as scripts for busybox. They print what they got. */

export interface ImageAttempt {
  /** A sentence after "is held when it". */
  readonly title: string;
  /** `$OUTSIDE`, `$DATA`, `$ENGINE`, `$SKIFF_PID`, `$TCP_PORT` and `$ABSTRACT` name what it must not reach. */
  readonly script: string;
  /** What the whole output, errors included, must match. */
  readonly expect: RegExp;
}

const ABSENT = /No such file or directory|nonexistent directory|can't open|can't cd/;
const READ_ONLY = /Read-only file system|Permission denied|Operation not permitted|nonexistent directory/i;
const DENIED = /not permitted|Permission denied|Invalid argument|Function not implemented|can't/i;
const NO_NETWORK = /unreachable|refused|bad address|timed out/i;

type Row = readonly [title: string, script: string, expect: RegExp];

const FILES: readonly Row[] = [
  ["reads a file of the machine", 'cat "$OUTSIDE/secret"', ABSENT],
  ["lists the data folder", 'ls "$DATA"', ABSENT],
  ["reads the database", 'cat "$DATA/skiff.db"', ABSENT],
  ["leaves by the root of the first process", 'cat "/proc/1/root$OUTSIDE/secret"', ABSENT],
  ["leaves by its own root", 'cat "/proc/self/root$OUTSIDE/secret"', ABSENT],
  ["climbs above the root", 'cat "/../../../..$OUTSIDE/secret"', ABSENT],
  ["follows a link of its own", 'ln -s "$OUTSIDE/secret" /tmp/link; cat /tmp/link', ABSENT],
  ["writes to its root", "echo x > /escaped; echo x > /etc/escaped; echo x > /bin/escaped", READ_ONLY],
  [
    "changes a program of its image",
    "cp /bin/busybox /bin/more; mv /bin/busybox /bin/more; echo x >> /bin/busybox",
    READ_ONLY,
  ],
  ["removes a program of its image", "rm -f /bin/sh", READ_ONLY],
  ["changes the host", "echo x > /skiff/host.mjs; echo x >> /skiff/node", READ_ONLY],
  ["adds to the host's files", "echo x > /skiff/lib/libc.so.6; mkdir /skiff/lib/more", READ_ONLY],
  [
    "reads the environment of the first process",
    "tr '\\0' '\\n' < /proc/1/environ | grep -i secret; echo none",
    /^none$/,
  ],
  ["has variables of Skiff", "env | grep -E 'SKIFF_(TOKEN|SECRET|ENGINE|DATA)'; echo none", /^none$/],
  ["finds the machine in /etc/hosts", "cat /etc/hosts", /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost$/],
  [
    "finds disks of the machine",
    "ls /dev | grep -E '^(sd|vd|nvme|loop|dm-|mem$|kmem|port$|kmsg)'; echo none",
    /^none$/,
  ],
  ["makes a device", "mknod /tmp/disk b 8 0 && cat /tmp/disk", DENIED],
  ["uses a device on its folder", "mknod /tmp/null c 1 3; echo x > /tmp/null", DENIED],
  ["mounts a file system", "mkdir -p /tmp/m; mount -t tmpfs none /tmp/m", DENIED],
  ["mounts proc again", "mkdir -p /tmp/p; mount -t proc proc /tmp/p", DENIED],
  ["makes its root writable", "mount -o remount,rw /", DENIED],
  [
    "makes namespaces",
    "unshare -Ur id; unshare -r id; unshare -n true",
    /^(unshare: .*not implemented\n?){3}$/,
  ],
  ["changes the root", "chroot /tmp /bin/sh", DENIED],
  ["pivots the root", "pivot_root /tmp /tmp/old", DENIED],
  [
    "fills the scratch folder",
    "head -c 100000000 /dev/zero > /tmp/big; rm -f /tmp/big",
    /No space left|I\/O error/,
  ],
  [
    "fills the folder of the socket",
    "head -c 100000000 /dev/zero > /skiff-run/big; rm -f /skiff-run/big",
    /No space left|I\/O error/,
  ],
  [
    "writes where the engine keeps files",
    "for f in /var /run /root /home; do echo x > $f/escaped; done",
    READ_ONLY,
  ],
];

const PROCESSES: readonly Row[] = [
  [
    "sees processes of the machine",
    "ls -d /proc/$SKIFF_PID 2>&1; ps -o args | grep -c '[p]odman'",
    /No such file.*\n0$/,
  ],
  ["signals a process of the machine", "kill -9 $SKIFF_PID", /No such process/],
  ["ends the first process", "kill -9 1; kill -0 1 && echo there", /there$/],
  [
    "starts more processes than it may",
    "for n in $(seq 400); do sleep 3 & done; echo all",
    /can't fork|Resource temporarily/i,
  ],
  [
    "becomes another user",
    "su nobody -c 'echo is other'; setpriv --reuid 7 echo is other; echo end",
    /^(?![\s\S]*is other\n)[\s\S]*end$/,
  ],
  [
    "has capabilities",
    "grep -E '^Cap(Eff|Prm|Bnd|Amb)' /proc/self/status | grep -v 0000000000000000; echo none",
    /^none$/,
  ],
  ["gains privileges", "grep NoNewPrivs /proc/self/status", /^NoNewPrivs:\t1$/],
  ["runs without a filter of system calls", "grep Seccomp: /proc/self/status", /^Seccomp:\t2$/],
  ["changes the hostname", "hostname escaped", DENIED],
  ["sets the time", "date -s 2001-01-01", DENIED],
  ["loads a module", "insmod /bin/busybox; modprobe loop", DENIED],
  ["restarts the machine", "reboot -f", DENIED],
  ["uses the magic key", "echo b > /proc/sysrq-trigger", READ_ONLY],
  ["changes the core pattern", "echo '|/tmp/x' > /proc/sys/kernel/core_pattern", READ_ONLY],
  [
    "changes the kernel's settings",
    "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/vm/drop_caches",
    READ_ONLY,
  ],
  ["reads the kernel's memory", "head -c 1 /proc/kcore | wc -c", /^0$|\n0$|denied/],
  ["reads the kernel's log", "dmesg | head -1", DENIED],
  ["raises its limits", "ulimit -n 100000000", /not permitted|error setting limit|can't/i],
  [
    "raises its memory",
    "for f in $(find /sys/fs/cgroup -name 'memory.*max' -o -name 'memory.limit_in_bytes'); do echo 99999999999 > $f; done",
    READ_ONLY,
  ],
  ["makes a control group", "mkdir /sys/fs/cgroup/memory/x /sys/fs/cgroup/x", READ_ONLY],
  [
    "uses a release agent",
    "echo /tmp/x > /sys/fs/cgroup/memory/release_agent; echo x > /sys/fs/cgroup/release_agent",
    READ_ONLY,
  ],
];

const NETWORK: readonly Row[] = [
  ["has an interface", "ls /sys/class/net", /^lo$/],
  ["reaches another network", "nc -w 1 192.0.2.1 80 </dev/null", NO_NETWORK],
  ["has a way to metadata of a cloud", "ip route get 169.254.169.254", NO_NETWORK],
  ["reaches a server on the machine's loopback", "nc -w 1 127.0.0.1 $TCP_PORT </dev/null", NO_NETWORK],
  ["has a way to private networks", "ip route get 10.0.0.1; ip route", /^[^\n]*unreachable[^\n]*$/i],
  ["finds the socket of the engine", 'ls "$ENGINE" /run/podman /var/run/docker.sock', ABSENT],
  ["finds abstract sockets of the machine", 'grep -c "@$ABSTRACT" /proc/net/unix', /^0$/],
  ["opens a raw socket", "ping -c 1 -W 1 127.0.0.1", /denied|not permitted/i],
  ["makes an interface", "ip link add dummy0 type dummy", DENIED],
  ["changes its routes", "ip route add default dev lo", DENIED],
];

export const ATTEMPTS: readonly ImageAttempt[] = [...FILES, ...PROCESSES, ...NETWORK].map(
  ([title, script, expect]) => ({ title, script, expect }),
);
