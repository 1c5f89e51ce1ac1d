import type { ComponentChildren } from "preact";
import type { ApiProblem } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

export interface NoticeProps {
  readonly kind?: "info" | "ok" | "warn" | "bad";
  readonly title?: string;
  readonly children?: ComponentChildren;
}

const ICONS: Readonly<Record<string, IconName>> = {
  info: "info",
  ok: "check",
  warn: "warning",
  bad: "warning",
};

/** A statement in the page. */
export function Notice({ kind = "info", title, children }: NoticeProps) {
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : undefined}>
      <Icon name={ICONS[kind]!} />
      <div>
        {title === undefined ? null : <strong>{title}</strong>}
        <div>{children}</div>
      </div>
    </div>
  );
}

export interface ProblemNoticeProps {
  readonly problem: ApiProblem | undefined;
  /** Tries again. */
  readonly retry?: () => unknown;
}

/** What the API says went wrong; nothing without a problem. */
export function ProblemNotice({ problem, retry }: ProblemNoticeProps) {
  if (problem === undefined) return null;
  return (
    <Notice kind="bad" title={problem.title}>
      <p>{problem.message}</p>
      {retry === undefined ? null : (
        <Button small icon="retry" onClick={retry}>
          Try again
        </Button>
      )}
    </Notice>
  );
}

/** What to do first where there is nothing yet. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <div>{children}</div>
    </div>
  );
}
