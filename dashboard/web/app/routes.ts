import type { ComponentType } from "preact";

/** A page. Its module is loaded when somebody opens it. */
export interface PageRoute {
  /** As wouter matches it: `:name` is one part of the path. */
  readonly path: string;
  readonly load: () => Promise<{ readonly default: ComponentType<{ readonly params: RouteParams }> }>;
}

export type RouteParams = Readonly<Record<string, string>>;

/** The pages; the first one that matches is shown. */
export const ROUTES: readonly PageRoute[] = [
  { path: "/", load: () => import("../functions/list-page.tsx") },
  { path: "/functions/:name/code", load: () => import("../code/code-page.tsx") },
];
