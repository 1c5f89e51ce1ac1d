/** Who this tab is among the tabs of the browser: each one keeps drafts of its own. */

const PLACE = "skiff.tab";
/** The page before a reload may still hold the lock of the tab for a moment. */
const RELOAD_MS = 3_000;

let identity: Promise<string> | undefined;

/**
 * Returns the id of this tab. A reload and a restored tab keep it, a duplicated one gets another. While the tab lives it
 * holds a lock with this name, so that others know.
 */
export function ownTab(): Promise<string> {
  identity ??= claim();
  return identity;
}

/** Returns the ids of the tabs that live. Undefined where browsers do not say: on HTTP at another host than this one. */
export async function liveTabs(): Promise<ReadonlySet<string> | undefined> {
  if (navigator.locks === undefined) return undefined;
  const { held = [] } = await navigator.locks.query();
  return new Set(held.map(({ name = "" }) => name));
}

async function claim(): Promise<string> {
  const known = sessionStorage.getItem(PLACE);
  if (known !== null && (await hold(known))) return known;
  const id = newId();
  await hold(id);
  sessionStorage.setItem(PLACE, id);
  return id;
}

/** Without locks a duplicated tab cannot be told from a reloaded one, so nobody keeps an id. */
async function hold(name: string): Promise<boolean> {
  if (navigator.locks === undefined) return false;
  const { promise: held, resolve, reject } = Promise.withResolvers<boolean>();
  const signal = AbortSignal.timeout(RELOAD_MS);
  navigator.locks
    .request(name, { signal }, () => {
      resolve(true);
      // Until the tab ends.
      return new Promise<never>(() => undefined);
    })
    .catch((error: unknown) => {
      if (signal.aborted) resolve(false);
      else reject(error);
    });
  return await held;
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `tab-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
