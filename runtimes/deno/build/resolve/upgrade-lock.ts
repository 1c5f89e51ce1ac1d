const CURRENT = "5";

interface OldLock {
  readonly version?: string;
  readonly specifiers?: Readonly<Record<string, string>>;
  readonly jsr?: unknown;
  readonly remote?: unknown;
  readonly redirects?: unknown;
  /** Versions 2 and 3. */
  readonly packages?: {
    readonly specifiers?: Readonly<Record<string, string>>;
    readonly jsr?: unknown;
  };
}

/**
 * Returns a lock in the current version of its format. To upgrade an older one, Deno asks the registry, which no start may
 * do: packages of npm are left out, which are found by their folders.
 */
export function upgradeLock(text: string): string {
  const lock = JSON.parse(text) as OldLock;
  if (lock.version === CURRENT) return text;
  const { remote, redirects, packages = {}, jsr = packages.jsr } = lock;
  const given = Object.entries(lock.specifiers ?? packages.specifiers ?? {});
  const specifiers = Object.fromEntries(
    given
      .filter(([key]) => key.startsWith("jsr:"))
      .map(([key, value]) => [key, value.replace(/^jsr:.*@/, "")] as const),
  );
  const kept = { version: CURRENT, specifiers, jsr, redirects, remote };
  return `${JSON.stringify(kept, undefined, 2)}\n`;
}
