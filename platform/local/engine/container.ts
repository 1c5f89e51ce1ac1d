/** A container as Skiff wants it. Pure: `createBody` turns it into what the API takes. */
export interface ContainerSpec {
  readonly image: string;
  /** Replaces the entry point of the image. */
  readonly entrypoint?: readonly string[];
  /** Arguments of the entry point; absent: the command of the image, unless `entrypoint` is set. */
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly cwd?: string;
  /** Absent: none. */
  readonly network?: string;
  readonly mounts?: readonly Mount[];
  readonly memoryMiB: number;
  /** Processes and threads. */
  readonly processes: number;
  /** Bytes of /tmp, in memory. */
  readonly scratchBytes: number;
  /** Path of a filter of system calls; absent: that of the engine. Podman only. */
  readonly callFilter?: string | undefined;
  /** A further folder in memory, for sockets. */
  readonly socketFolder?: string;
}

/** Of a folder that holds sockets alone. */
const SOCKET_FOLDER_BYTES = 64 * 1024;

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly isReadOnly: boolean;
}

/** Returns the body of `POST /containers/create`. Everything is refused that a container can be refused. */
export function createBody(spec: ContainerSpec): Readonly<Record<string, unknown>> {
  const { image, entrypoint, command, env, labels, user, cwd, mounts = [], socketFolder } = spec;
  const memory = Math.round(spec.memoryMiB * 1024 ** 2);
  return {
    Image: image,
    ...(entrypoint ? { Entrypoint: entrypoint } : {}),
    ...(command || entrypoint ? { Cmd: command ?? [] } : {}),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labels,
    ...(user === undefined ? {} : { User: user }),
    ...(cwd === undefined ? {} : { WorkingDir: cwd }),
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    // Checks of its health would be commands of the image that nobody asked for.
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NetworkMode: spec.network ?? "none",
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges", ...(spec.callFilter ? [`seccomp=${spec.callFilter}`] : [])],
      Privileged: false,
      ReadonlyRootfs: true,
      IpcMode: "private",
      Tmpfs: {
        "/tmp": `rw,nosuid,nodev,mode=1777,size=${spec.scratchBytes}`,
        ...(socketFolder === undefined
          ? {}
          : { [socketFolder]: `rw,nosuid,nodev,noexec,mode=1777,size=${SOCKET_FOLDER_BYTES}` }),
      },
      Binds: mounts.map(({ from, to, isReadOnly }) => `${from}:${to}:${isReadOnly ? "ro" : "rw"},z`),
      Memory: memory,
      // Equal to the memory: no swap.
      MemorySwap: memory,
      PidsLimit: spec.processes,
      // Skiff reads the output itself, so no file of the engine grows.
      LogConfig: { Type: "none" },
      AutoRemove: false,
    },
  };
}

/** What became of a container. */
export interface ContainerState {
  readonly running: boolean;
  /** Of its first process on this machine; 0 when it does not run. */
  readonly pid: number;
  /** 137 also after SIGKILL. */
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

export interface ListedContainer {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly isRunning: boolean;
}
