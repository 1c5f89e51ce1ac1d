/** What a program tries in order to leave its sandbox, as shell scripts. They print what they got, errors included. */

export interface ProgramAttempt {
  /** A sentence after "is held when it". */
  readonly title: string;
  /** Variables beside those of every program: OUTSIDE, DATA, OTHER_PID, SKIFF_PID, TCP_PORT, ABSTRACT, OTHER_SOCKET. */
  readonly script: string;
  /** What the whole output must match. */
  readonly expect: RegExp;
  /** It uses up what other attempts need, so that it runs alone. */
  readonly isGreedy: boolean;
  readonly isAboutFiles: boolean;
}

const ABSENT = /No such file or directory|nonexistent directory|cannot open/;
/** With numbers of another processor the reason is another one. */
const REFUSED = /^refused: /;
const READ_ONLY = /Directory nonexistent|Read-only file system|Permission denied|Operation not permitted/;
const DENIED =
  /[Pp]ermission denied|not permitted|must be (superuser|root)|only root|cannot set|Invalid argument|failed|immediate abort/;

const GREEDY = /^(fills|starts processes|writes a file above)/;

/** As root the first process has another user; else it has the same files. */
const NOT_THERE = /denied|No such file or directory/;

type Row = readonly [title: string, script: string, expect: RegExp];

/** Runs code in the Node that the sandbox has for the host. */
const node = (code: string) => `/skiff/node -e '${code}'`;
const connect = (target: string) =>
  node(`
    const socket = require("node:net").connect(${target});
    socket.on("connect", () => { console.log("CONNECTED"); process.exit(); });
    socket.on("error", (error) => console.log(error.code ?? error.message));
    setTimeout(() => { console.log("ETIMEDOUT"); process.exit(); }, 2000).unref();
  `);
/** Makes a system call by its number on x86-64. */
const call = (number: number, ...args: readonly (number | string)[]) =>
  `perl -e 'my @call = (${[number, ...args].join(", ")}); my $r = syscall($call[0], @call[1 .. $#call]); print $r == -1 ? "refused: $!" : "made: $r"'`;

const socketOf = (family: number) => `perl -e 'socket(my $s, ${family}, 1, 0) or print "refused: $!"'`;

const FILES: readonly Row[] = [
  ["reads a file of the machine", 'cat "$OUTSIDE/secret"', ABSENT],
  ["lists the data folder", 'ls "$DATA"', ABSENT],
  ["reads the database", 'cat "$DATA/skiff.db"', ABSENT],
  ["leaves by the root of the first process", 'cat "/proc/1/root$OUTSIDE/secret"', NOT_THERE],
  ["leaves by its own root", 'cat "/proc/self/root$OUTSIDE/secret"', ABSENT],
  ["leaves by the folder of the first process", "ls /proc/1/cwd/", /denied|^bin\ndev\netc\n/],
  ["follows a link of its own", 'ln -s "$OUTSIDE/secret" /tmp/link; cat /tmp/link', ABSENT],
  ["makes a hard link to a file of the machine", "ln /etc/hosts /tmp/hosts", /cross-device|not permitted/],
  ["climbs above the root", 'cat "/../../..$OUTSIDE/secret"', ABSENT],
  ["reads passwords", "cat /etc/shadow /etc/gshadow", ABSENT],
  ["learns the names of users", "cut -d: -f1 /etc/passwd | xargs", /^root function$/],
  [
    "finds folders of people and services",
    "ls -d /home /root /opt /srv /mnt /media /run /boot /sys /work/wt /var/lib /var/log 2>/dev/null; echo none",
    /^none$/,
  ],
  ["writes to system folders", "touch /usr/escaped /usr/bin/escaped", READ_ONLY],
  ["writes beside them", "touch /escaped /etc/escaped /dev/escaped /proc/escaped", READ_ONLY],
  ["changes a system program", "chmod 777 /usr/bin/env", READ_ONLY],
  ["changes its own files", "echo x >> ./main", READ_ONLY],
  ["removes its own files", "rm -f ./main", READ_ONLY],
  ["changes the host", "echo x > /skiff/host.mjs; echo x > /skiff/node", READ_ONLY],
  ["changes its start script", "echo x > /skiff/code/start.sh", READ_ONLY],
  ["reads the environment of the first process", "cat /proc/1/environ", /denied|^PWD=\/\0$/],
  ["reads the memory of the first process", "cat /proc/1/mem | head -c 1", /denied|Input\/output error/],
  ["changes the memory of the first process", "echo x > /proc/1/mem", READ_ONLY],
  ["gets files that were left open", "ls /proc/self/fd | wc -l", /^[0-4]$/],
  ["has variables of Skiff", "env", /^(?![\s\S]*SKIFF_SECRET)/],
  [
    "fills the disk",
    "for n in 1 2 3; do head -c 40M /dev/zero > /tmp/big-$n; done; rm -f /tmp/big-*",
    /No space left on device/,
  ],
  [
    "writes a file above the limit",
    "(trap '' XFSZ; head -c 70M /dev/zero > /tmp/big); rm -f /tmp/big",
    /File too large|No space left/,
  ],
];

const DEVICES: readonly Row[] = [
  ["makes a disk", "mknod /tmp/disk b 8 0", DENIED],
  ["makes the memory of the machine", "mknod /tmp/mem c 1 1", DENIED],
  ["reads the log of the kernel", "cat /dev/kmsg; dmesg", ABSENT],
  ["finds a disk", "ls /dev/sda /dev/vda /dev/mem /dev/kvm /dev/fuse /dev/net/tun", ABSENT],
  ["types into a terminal", "echo x > /dev/tty", /No such device or address|cannot (open|create)/],
  [
    "keeps the rights of a file",
    "cp /bin/sh /tmp/s; chmod 4755 /tmp/s; /tmp/s -p -c 'id -u'; rm /tmp/s",
    /^[1-9]\d+$/,
  ],
  ["becomes root by a program for that", "su -c id < /dev/null", DENIED],
];

const RIGHTS: readonly Row[] = [
  ["has a capability", "grep -h ^Cap /proc/self/status | cut -f2 | sort -u", /^0{16}$/],
  ["may gain rights", "grep NoNewPrivs /proc/self/status", /NoNewPrivs:\s1$/],
  ["mounts", "mount -t tmpfs none /tmp", DENIED],
  ["mounts by itself", call(165, '"none"', '"/tmp"', '"tmpfs"', 0, 0), REFUSED],
  ["makes system folders writable", "mount -o remount,rw /usr", DENIED],
  ["removes a mount", "umount -l /usr", DENIED],
  ["changes its root", "/usr/sbin/chroot /tmp /bin/true", DENIED],
  ["makes a mount namespace", "unshare --mount true", DENIED],
  ["makes a network namespace", "unshare --net true", DENIED],
  ["makes a user namespace", "unshare --user --map-root-user id -u", /^unshare: .*not permitted/],
  ["makes one by the newer call", call(435, '"\\0" x 64', 64), /^refused: Function not implemented/],
  ["reads keys of the user", call(250, 0, -4, 0), REFUSED],
  ["reaches the host of its virtual machine", socketOf(40), /^refused: Address family not supported/],
  ["uses ciphers of the kernel", socketOf(38), /^refused: Address family not supported/],
  ["enters the namespaces of the first process", "nsenter -t 1 -a true", DENIED],
  ["enters a namespace of its own again", "nsenter --mount=/proc/self/ns/mnt true", DENIED],
  ["changes its user", "setpriv --reuid=0 true", DENIED],
  ["changes its groups", "setpriv --clear-groups true", DENIED],
  ["names the machine", "hostname escaped", DENIED],
  ["sets the clock", "date -s 2001-01-01", DENIED],
  ["loads a module of the kernel", call(313, 0, '""', 0), REFUSED],
  ["starts another kernel", call(246, 0, 0, 0, 0), REFUSED],
  ["restarts the machine", call(169, "0xfee1dead", 672274793, 0x01234567, 0), REFUSED],
  ["opens a file by its handle", call(304, 3, '"\\0" x 64', 0), REFUSED],
  ["changes the kernel", "echo 1 > /proc/sys/kernel/printk", READ_ONLY],
  ["presses a key of the kernel", "echo h > /proc/sysrq-trigger", READ_ONLY],
  ["is spared when memory is short", "echo -1000 > /proc/self/oom_score_adj", READ_ONLY],
  ["raises its limit of files", "ulimit -n 1000000", DENIED],
  ["goes before others", "renice -n -10 -p $$", DENIED],
];

const PROCESSES: readonly Row[] = [
  ["ends Skiff", 'kill -9 "$SKIFF_PID"', /No such process/],
  ["ends another function", 'kill -9 "$OTHER_PID"', /No such process/],
  ["ends the first process", "kill -9 1; echo still", /^(.*not permitted\n+)?still$/],
  ["sees other processes", "ls -d /proc/[0-9]* 2> /dev/null | wc -l", /^\s*[1-9]\d?$/],
  ["traces the first process", call(101, 16, 1, 0, 0), REFUSED],
  ["sees shared memory of others", "ipcs -m | grep -c 0x", /^0$/],
  ["outlives its call", "setsid sleep 3000 > /dev/null 2>&1 & echo begun", /^begun$/],
  [
    "starts processes without end",
    "i=0; while [ $i -lt 400 ]; do sleep 2 & i=$((i+1)); done",
    /Cannot fork|Resource temporarily unavailable/,
  ],
];

const NETWORK: readonly Row[] = [
  [
    "reaches a port of the machine",
    connect('{ host: "127.0.0.1", port: +process.env.TCP_PORT }'),
    /^ECONNREFUSED$/,
  ],
  [
    "reaches the same by another address",
    connect('{ host: "::1", port: +process.env.TCP_PORT }'),
    /^(ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH)$/,
  ],
  ["reaches an address that is documented", connect('{ host: "192.0.2.1", port: 80 }'), /^ENETUNREACH$/],
  [
    "resolves a name",
    node(
      'require("node:dns").lookup("example.com", (error, address) => console.log(error ? error.code : address))',
    ),
    /^(EAI_AGAIN|ENOTFOUND)$/,
  ],
  [
    "reaches an abstract socket of the machine",
    connect('{ path: "\\0" + process.env.ABSTRACT }'),
    /^ECONNREFUSED$/,
  ],
  ["reaches the socket of another function", connect("{ path: process.env.OTHER_SOCKET }"), /^ENOENT$/],
  ["reaches a container engine", connect('{ path: "/var/run/docker.sock" }'), /^ENOENT$/],
  [
    "opens a raw socket",
    "perl -MSocket -e 'socket(my $s, AF_INET, SOCK_RAW, 1) or print \"refused: $!\"'",
    /^refused: Operation not permitted$/,
  ],
  ["reads all packets", "perl -e 'socket(my $s, 17, 3, 768) or print \"refused: $!\"'", REFUSED],
  ["has interfaces", "tail -n +3 /proc/net/dev | cut -d: -f1 | xargs", /^lo$/],
];

const ABOUT_FILES: ReadonlySet<string> = new Set([...FILES, ...DEVICES].map(([title]) => title));

export const PROGRAM_ATTEMPTS: readonly ProgramAttempt[] = [
  ...FILES,
  ...DEVICES,
  ...RIGHTS,
  ...PROCESSES,
  ...NETWORK,
].map(([title, script, expect]) => ({
  title,
  script,
  expect,
  isGreedy: GREEDY.test(title),
  isAboutFiles: ABOUT_FILES.has(title),
}));
