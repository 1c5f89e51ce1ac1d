import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Link, useLocation } from "wouter";
import type { Resource } from "../api/resource.ts";
import { ProblemNotice } from "./notice.tsx";

export interface Tab {
  readonly href: string;
  readonly text: string;
}

export interface PageProps {
  readonly title: ComponentChildren;
  /** Of the browser's tab; the title by default. */
  readonly name?: string;
  /** Beside the title. */
  readonly badges?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly tabs?: readonly Tab[];
  /** The way back, such as `Functions`. */
  readonly parent?: Tab;
  /** Uses the whole width and height: editors. */
  readonly wide?: boolean;
  readonly children?: ComponentChildren;
}

export function Page({ title, name, badges, actions, tabs, parent, wide = false, children }: PageProps) {
  const [path] = useLocation();
  useEffect(() => {
    document.title = `${name ?? String(title)} · Skiff`;
  }, [name, title]);
  const current = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone not all tabs are in sight.
    const tab = current.current?.querySelector('[aria-current="page"]');
    tab?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [path]);
  return (
    <main class={wide ? "page wide" : "page"} id="content" tabIndex={-1}>
      <header class="page-head">
        {parent === undefined ? null : (
          <nav class="parent" aria-label="Parent">
            <Link href={parent.href}>{parent.text}</Link>
          </nav>
        )}
        <div class="title-row">
          <h1>{title}</h1>
          {badges === undefined ? null : <div class="badges">{badges}</div>}
          {actions === undefined ? null : <div class="actions">{actions}</div>}
        </div>
        {tabs === undefined ? null : (
          <nav class="tabs" aria-label="Parts" ref={current}>
            {tabs.map(({ href, text }) => (
              <Link key={href} href={href} class="tab" aria-current={path === href ? "page" : undefined}>
                {text}
              </Link>
            ))}
          </nav>
        )}
      </header>
      {children}
    </main>
  );
}

export interface LoadedProps<T> {
  readonly from: Resource<T>;
  readonly children: (data: T) => ComponentChildren;
}

/** Shows what was read. Before the first answer a quiet line, never without an end: requests have a deadline. */
export function Loaded<T>({ from, children }: LoadedProps<T>) {
  const { data, problem, isLoading, reload } = from;
  return (
    <>
      <ProblemNotice problem={problem} retry={reload} />
      {isLoading ? <div class="loading">Loading…</div> : null}
      {data === undefined ? null : children(data)}
    </>
  );
}

export interface SectionProps {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly children?: ComponentChildren;
}

export function Section({ title, actions, children }: SectionProps) {
  return (
    <section class="section">
      <header>
        <h2>{title}</h2>
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
