import { signal } from "@preact/signals";

/** Of this origin, which serves this page alone. Never a cookie: those go to every port of the host. */
export const PLACE = "skiff.credential";

/** The key or token that this page sends; undefined before somebody signs in. */
export const credential = signal<string | undefined>(localStorage.getItem(PLACE) ?? undefined);

export function signIn(text: string): void {
  localStorage.setItem(PLACE, text);
  credential.value = text;
}

export function signOut(): void {
  localStorage.removeItem(PLACE);
  credential.value = undefined;
}

// Other tabs of this browser.
addEventListener("storage", ({ key, newValue }) => {
  if (key === PLACE) credential.value = newValue ?? undefined;
});
