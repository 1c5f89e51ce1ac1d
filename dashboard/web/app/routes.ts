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
  { path: "/try/:name", load: () => import("../caller/try-page.tsx") },
  { path: "/new", load: () => import("../new/new-page.tsx") },
  { path: "/functions/:name/code", load: () => import("../code/code-page.tsx") },
  { path: "/trace/:id", load: () => import("../trace/trace-page.tsx") },
  { path: "/functions/:name/metrics", load: () => import("../metrics/metrics-page.tsx") },
  { path: "/functions/:name/logs", load: () => import("../logs/logs-page.tsx") },
  { path: "/functions/:name/try", load: () => import("../try/try-page.tsx") },
  { path: "/functions/:name", load: () => import("../function/overview-page.tsx") },
  { path: "/functions/:name/versions", load: () => import("../function/versions/versions-page.tsx") },
  { path: "/functions/:name/git", load: () => import("../function/git/git-page.tsx") },
  { path: "/repositories", load: () => import("../git/list-page.tsx") },
  { path: "/repositories/:name", load: () => import("../git/repository-page.tsx") },
  { path: "/functions/:name/settings", load: () => import("../function/settings/settings-page.tsx") },
  { path: "/functions/:name/access", load: () => import("../function/settings/access-page.tsx") },
  { path: "/functions/:name/secrets", load: () => import("../function/secrets/secrets-page.tsx") },
  { path: "/secrets", load: () => import("../secrets/list-page.tsx") },
  { path: "/functions/:name/schedules", load: () => import("../function/schedules/schedules-page.tsx") },
  { path: "/calls", load: () => import("../calls/list-page.tsx") },
  { path: "/calls/:id", load: () => import("../calls/call-page.tsx") },
  { path: "/topics", load: () => import("../topics/list-page.tsx") },
  { path: "/topics/:name", load: () => import("../topics/topic-page.tsx") },
  { path: "/subscriptions/:name", load: () => import("../subscriptions/subscription-page.tsx") },
  { path: "/schedules", load: () => import("../schedules/list-page.tsx") },
  { path: "/schedules/:name", load: () => import("../schedules/schedule-page.tsx") },
  { path: "/commands", load: () => import("../commands/page.tsx") },
  { path: "/usage", load: () => import("../usage/page.tsx") },
  { path: "/audit", load: () => import("../audit/page.tsx") },
  { path: "/system", load: () => import("../system/page.tsx") },
  { path: "/keys", load: () => import("../keys/list-page.tsx") },
  { path: "/flows/new", load: () => import("../flows/editor/edit-page.tsx") },
  { path: "/flows/:name/edit", load: () => import("../flows/editor/edit-page.tsx") },
  { path: "/flows", load: () => import("../flows/list/flows-page.tsx") },
  { path: "/flows/:name", load: () => import("../flows/flow/flow-page.tsx") },
  { path: "/flows/:name/runs/:id", load: () => import("../flows/run/run-page.tsx") },
  { path: "/runs", load: () => import("../flows/list/runs-page.tsx") },
];
