/** What an engine knows of an image. */
export interface EngineImage {
  /** `sha256:…` of its configuration, which the engine takes as a name. */
  readonly id: string;
  /** `name@sha256:…` for each name under which a registry has it. */
  readonly repoDigests: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `user`, `user:group`, in names or numbers; empty: root. */
  readonly user: string;
  readonly cwd: string;
}

interface Inspected {
  readonly Id: string;
  readonly RepoDigests?: readonly string[] | null;
  readonly Config?: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env?: readonly string[] | null;
    readonly User?: string;
    readonly WorkingDir?: string;
  } | null;
}

/** @param answer of `GET /images/NAME/json` */
export function toImage(answer: unknown): EngineImage {
  const { Id, RepoDigests, Config } = answer as Inspected;
  const env = (Config?.Env ?? []).map((line): [string, string] => {
    const equals = line.indexOf("=");
    return [line.slice(0, equals), line.slice(equals + 1)];
  });
  return {
    id: Id.startsWith("sha256:") ? Id : `sha256:${Id}`,
    repoDigests: RepoDigests ?? [],
    entrypoint: Config?.Entrypoint ?? [],
    command: Config?.Cmd ?? [],
    env: Object.fromEntries(env.filter(([name]) => name !== "")),
    user: Config?.User ?? "",
    cwd: Config?.WorkingDir || "/",
  };
}
