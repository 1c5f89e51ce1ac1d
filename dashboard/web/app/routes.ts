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
  { path: "/functions/:name", load: () => import("../function/overview-page.tsx") },
  { path: "/calls", load: () => import("../calls/list-page.tsx") },
  { path: "/calls/:id", load: () => import("../calls/call-page.tsx") },
  { path: "/topics", load: () => import("../topics/list-page.tsx") },
  { path: "/topics/:name", load: () => import("../topics/topic-page.tsx") },
  { path: "/subscriptions/:name", load: () => import("../subscriptions/subscription-page.tsx") },
  { path: "/schedules", load: () => import("../schedules/list-page.tsx") },
  { path: "/schedules/:name", load: () => import("../schedules/schedule-page.tsx") },
  { path: "/commands", load: () => import("../commands/page.tsx") },
  { path: "/keys", load: () => import("../keys/list-page.tsx") },
];
