import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { LeaveDialog } from "../leaving/leave-dialog.tsx";
import { holder, leave, leaveHere } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { Icon } from "../ui/icon.tsx";
import { Toasts } from "../ui/toast.tsx";
import { isWithin, navigationFor } from "./navigation.ts";
import { Palette } from "./palette.tsx";
import { isDark, theme } from "./theme.ts";

/** What surrounds every page: navigation at the left, above it on a phone. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const [path, go] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const [isSearching, setSearching] = useState(false);
  const [kept, setKept] = useState<ApiProblem>();
  const signOut = () => leave().catch((error: unknown) => setKept(asProblem(error)));
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape") setOpen(false);
      if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setSearching(true);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <Button kind="quiet" icon="menu" label="Menu" pressed={isOpen} onClick={() => setOpen(!isOpen)} />
        <Link href="/" class="brand">
          <Mark /> Skiff
        </Link>
        <Button kind="quiet" icon="search" label="Search" onClick={() => setSearching(true)} />
      </header>
      <div class={isOpen ? "side open" : "side"}>
        <Link href="/" class="brand">
          <Mark /> Skiff
        </Link>
        <button type="button" class="search-button" onClick={() => setSearching(true)}>
          <Icon name="search" /> Search <kbd>Ctrl K</kbd>
        </button>
        <nav aria-label="Pages">
          {navigationFor(holder.value).map(({ title, entries }) => (
            <div class="group" key={title}>
              <h2>{title}</h2>
              {entries.map((entry) => (
                <Link
                  key={entry.href}
                  href={entry.href}
                  title={entry.text}
                  aria-current={isWithin(path, entry) ? "page" : undefined}
                >
                  <Icon name={entry.icon} /> {entry.text}
                </Link>
              ))}
            </div>
          ))}
        </nav>
        <footer>
          <span class="holder" title={holder.value?.scopes.join(", ")}>
            {holder.value?.by}
          </span>
          <Button
            kind="quiet"
            small
            icon="sun"
            label={isDark() ? "Use light colours" : "Use dark colours"}
            onClick={() => {
              theme.value = isDark() ? "light" : "dark";
            }}
          />
          <Button kind="quiet" small icon="out" label="Sign out" onClick={signOut} />
        </footer>
      </div>
      {children}
      <Toasts />
      <LeaveDialog />
      {kept === undefined ? null : (
        <FormDialog
          title="The key is still valid"
          action="Sign out here alone"
          kind="danger"
          onSubmit={async () => leaveHere()}
          onClose={() => setKept(undefined)}
        >
          <p>Your key could not be revoked: {kept.message}</p>
          <p>
            Cancel and sign out again later, or sign out of this browser alone: the key works until it
            expires.
          </p>
        </FormDialog>
      )}
      {isSearching ? <Palette onClose={() => setSearching(false)} go={go} /> : null}
    </div>
  );
}

/** The sign of Skiff: a hull under a sail. */
export function Mark() {
  return (
    <svg class="mark" width="22" height="22" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M11 3v11H4zM13 6v8h6zM3 16h18l-3 5H6z" />
    </svg>
  );
}
