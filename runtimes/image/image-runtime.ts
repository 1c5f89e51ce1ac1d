import { hostOrder, planHost } from "../program/program-runtime.ts";
import type { LaunchPlan, PlanOrder } from "../runtime.ts";

/** What a launch has to know of an image. */
export interface ImageFacts {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `user`, `user:group`, in names or numbers; empty: root. */
  readonly user: string;
  readonly cwd: string;
}

export interface ImagePaths {
  /** The command that runs the program host. */
  readonly host: readonly string[];
  /** Unix socket on which the host has to listen. */
  readonly socket: string;
  /** Folder that the program may write to. */
  readonly scratch: string;
  /** Port for a program that serves. */
  readonly port: number;
}

/** As every shell has it. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Returns what a function runs in its image: its own command, or that of the image. */
export function commandOf(image: ImageFacts, { settings }: Pick<PlanOrder, "settings">): readonly string[] {
  return settings.program.command ?? [...image.entrypoint, ...image.command];
}

/** Returns the variables of the programs of an image, except for secrets. */
export function variablesOf(
  image: ImageFacts,
  { settings }: Pick<PlanOrder, "settings">,
  { scratch }: Pick<ImagePaths, "scratch">,
): Readonly<Record<string, string>> {
  return { PATH, HOME: scratch, TMPDIR: scratch, ...image.env, ...settings.env };
}

/** Plans the launch of an instance whose image runs under the program host. Pure. */
export function planImage(image: ImageFacts, order: PlanOrder, paths: ImagePaths): LaunchPlan {
  const { cwd } = image;
  const command = commandOf(image, order);
  return planHost(order, {
    command: paths.host,
    cwd,
    env: variablesOf(image, order, paths),
    socket: paths.socket,
    host: hostOrder({ command }, order.settings, { cwd, port: paths.port, ownsProcesses: true }),
  });
}
