import { Link } from "wouter";
import { Notice } from "../ui/notice.tsx";
import { Badge, When } from "../ui/values.tsx";
import type { Described } from "./described.ts";
import { percentText, shareOf } from "./traffic.ts";

/** The last versions: who deployed them and why, newest first; and what a guard did. */
export function Deploys({ described }: { readonly described: Described }) {
  const { name, lastDeploys, lastRollback, lastRefusal, traffic } = described;
  const versions = `/functions/${name}/versions`;
  return (
    <>
      {lastRollback === undefined ? null : (
        <Notice kind="warn" title="A guard took a version back">
          <When at={lastRollback.at} />: {lastRollback.reason}
        </Notice>
      )}
      {lastRefusal === undefined ? null : (
        <Notice kind="warn" title="A guard failed and left the traffic as it was">
          <When at={lastRefusal.at} />: {lastRefusal.reason}
        </Notice>
      )}
      <ul class="deploys card">
        {lastDeploys.toReversed().map(({ version, at, by, message, commit }) => (
          <li key={version}>
            <Link href={versions}>v{version}</Link>
            <div>
              <span>{message ?? <span class="muted">no message</span>}</span>
              <span class="muted">
                {by ?? "unknown"} · <When at={at} />
                {commit === undefined ? null : (
                  <>
                    {" · "}
                    <code title={commit}>{commit.slice(0, 8)}</code>
                  </>
                )}
              </span>
            </div>
            {shareOf(traffic, version) > 0 ? (
              <Badge tone="ok">{percentText(shareOf(traffic, version))}</Badge>
            ) : null}
          </li>
        ))}
      </ul>
    </>
  );
}
