/** How a process of a build is walled in: by bubblewrap, by util-linux, or not at all. */
export type WallKind = "bwrap" | "unshare" | "none";

/** What a process of a build sees of the machine. */
export interface WallProfile {
  /** Files and folders that can be read, by their path inside; those that do not exist are left out. */
  readonly readable: Readonly<Record<string, string>>;
  /** Folders that can be written, by their path inside. */
  readonly writable: Readonly<Record<string, string>>;
  /** Whether it keeps the network of the machine. */
  readonly network: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Current folder, as a path inside. */
  readonly cwd: string;
  /** An empty folder of the machine that is not above any of the others, for walls that need a place to begin at. */
  readonly room: string;
  /** Most memory that the process and each of its children may map for writing, in KiB. */
  readonly dataKiB: number;
  /** Longest file that it may write, in KiB. */
  readonly fileKiB: number;
}

/** Nobody, as most systems have it. */
const UID = "65534";
/** Libraries of the system; on most of them the last two are links to the first. */
const LIBRARIES = ["/usr/lib", "/usr/lib64", "/lib", "/lib64"];

/**
 * The command that runs `program` behind the wall. Paths in `program` are those inside; without a wall there is no
 * inside, and the caller gives those of the machine.
 */
export function walled(
  kind: WallKind,
  { profile, program }: { profile: WallProfile; program: readonly string[] },
): string[] {
  const limited = limits(profile);
  switch (kind) {
    case "bwrap":
      return [...limited, ...bubblewrap(profile), ...program];
    case "unshare":
      return [...limited, ...unshare(profile), ...program];
    case "none":
      return [...limited, ...program];
  }
}

/** Resource limits, which every child of the shell inherits. `ulimit -f` counts blocks of 512 bytes. */
function limits({ dataKiB, fileKiB }: WallProfile): string[] {
  const script = `ulimit -d ${dataKiB}; ulimit -f ${fileKiB * 2}; ulimit -c 0; exec "$@"`;
  return ["/bin/sh", "-c", script, "sh"];
}

function bubblewrap(profile: WallProfile): string[] {
  const { network, env, cwd } = profile;
  return [
    ...["bwrap", "--unshare-all", ...(network ? ["--share-net"] : [])],
    ...["--unshare-user", "--uid", UID, "--gid", UID, "--cap-drop", "ALL"],
    ...["--die-with-parent", "--new-session", "--clearenv"],
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...LIBRARIES.flatMap((path) => ["--ro-bind-try", path, path]),
    ...Object.entries(profile.readable).flatMap(([inside, path]) => ["--ro-bind-try", path, inside]),
    ...Object.entries(profile.writable).flatMap(([inside, path]) => ["--bind", path, inside]),
    // Outside, root may own what is in /proc, and a kernel setting holds for the whole machine.
    ...["--remount-ro", "/proc", "--remount-ro", "/", "--chdir", cwd, "--"],
  ];
}

/**
 * Builds the same room with the commands of util-linux. The arguments are the folder to mount it on, the current folder
 * inside, and what to mount, as `ro|rw PATH INSIDE`; "--" ends them, and the program follows.
 */
const ROOM = `
set -e
room=$1 cwd=$2
shift 2
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$room"
place() {
  # It may be in a folder that is mounted already.
  if [ -e "$2" ]; then :
  elif [ -d "$1" ]; then mkdir -p "$2"
  else mkdir -p "$(dirname "$2")" && : > "$2"
  fi
  mount --bind "$1" "$2"
}
while [ "$1" != -- ]; do
  if [ "$1" = rw ] || [ -e "$2" ]; then
    place "$2" "$room$3"
    # What the mount already forbids must be named again, or the kernel refuses the change.
    if [ "$1" = ro ]; then
      mount -o remount,bind,ro,nosuid,nodev "$room$3" || mount -o remount,bind,ro,nosuid,nodev,noexec "$room$3"
    fi
  fi
  shift 3
done
shift
for each in null zero full random urandom; do place /dev/$each "$room/dev/$each"; done
mkdir "$room/proc" "$room/old"
# Read-only: outside, root may own what is in it, and a kernel setting holds for the whole machine.
mount -t proc -o ro,nosuid,nodev,noexec proc "$room/proc"
mount=$(command -v mount) umount=$(command -v umount)
cd "$room"
pivot_root . old
"/old$mount" -o remount,ro,nosuid,nodev /
"/old$umount" -l /old
cd "$cwd"
exec /wall/setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
`;

function unshare(profile: WallProfile): string[] {
  const { network, env, cwd, room } = profile;
  const mounts = [
    ...LIBRARIES.map((path) => ["ro", path, path]),
    ["ro", "/usr/bin/setpriv", "/wall/setpriv"],
    ...Object.entries(profile.readable).map(([inside, path]) => ["ro", path, inside]),
    ...Object.entries(profile.writable).map(([inside, path]) => ["rw", path, inside]),
  ];
  return [
    ...["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"],
    ...["--ipc", "--uts", "--cgroup", ...(network ? [] : ["--net"])],
    ...["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...["/bin/sh", "-c", ROOM, "sh", room, cwd, ...mounts.flat(), "--"],
  ];
}
