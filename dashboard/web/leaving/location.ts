import { signal } from "@preact/signals";
import { navigate } from "wouter/use-browser-location";
import { GuardedHistory } from "./history.ts";
import { unsaved } from "./unsaved.ts";

/** The navigation that waits for an answer, because changes would be lost. */
export const pendingLeave = signal<(() => void) | undefined>(undefined);

const path = signal(location.pathname);

const guarded = new GuardedHistory(
  {
    path: () => location.pathname,
    address: () => location.href,
    at: () => (history.state as { at?: number } | null)?.at,
    number: (at) => history.replaceState({ at }, ""),
    push: (to, at, replace) => navigate(to, { replace, state: { at } }),
    move: (by) => history.go(by),
  },
  {
    isNeeded: () => unsaved.value.length > 0,
    ask: (go) => {
      pendingLeave.value = go;
    },
    onPath: (now) => {
      path.value = now;
    },
  },
);

addEventListener("popstate", () => guarded.moved());
// What the page itself writes into the address, such as after a sign-in.
addEventListener("replaceState", () => guarded.arrived());

/** The location for the router of wouter: it stays where it is until somebody has answered. */
export function useGuardedLocation(): [
  string,
  (to: string | URL, options?: { readonly replace?: boolean }) => void,
] {
  const go = (to: string | URL, { replace = false } = {}) =>
    guarded.go(String(to), new URL(to, location.href).pathname, replace);
  return [path.value, go];
}
