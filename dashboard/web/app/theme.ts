import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const PLACE = "skiff.theme";
const stored = localStorage.getItem(PLACE);

export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");

effect(() => {
  if (theme.value === "system") {
    localStorage.removeItem(PLACE);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(PLACE, theme.value);
    document.documentElement.dataset.theme = theme.value;
  }
});

const darkSystem = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(darkSystem.matches);
darkSystem.addEventListener("change", ({ matches }) => {
  systemIsDark.value = matches;
});

/** Whether the page is dark now; for what draws with colours of its own. */
export function isDark(): boolean {
  return theme.value === "dark" || (theme.value === "system" && systemIsDark.value);
}
