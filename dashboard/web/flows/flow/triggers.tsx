import { Link } from "wouter";
import { holder } from "../../session/session.ts";
import { CopyLine } from "../../ui/copy.tsx";
import { Badge, When } from "../../ui/values.tsx";
import type { FlowDetails } from "./flow.ts";

/** What begins runs, and how each way is now. */
export function Triggers({ flow }: { readonly flow: FlowDetails }) {
  const { name, on, triggers } = flow;
  const http = on?.http;
  return (
    <div class="stack">
      <CopyLine
        label="Begin a run by the API"
        text={`curl -X POST ${holder.value!.url}/flow/${name}/run -d '{}'`}
      />
      {http === undefined ? null : (
        <div>
          {http.methods.join(", ")}{" "}
          <code>
            /flow/{name}/http{http.path === "/" ? "" : http.path}
          </code>{" "}
          <Badge tone={http.access === "public" ? "warn" : "quiet"}>{http.access}</Badge>
        </div>
      )}
      {triggers?.topics?.map(({ topic, lag, dead, waiting }) => (
        <div key={topic}>
          Events of <Link href={`/topics/${topic}`}>{topic}</Link>: {lag ?? 0} to come, {waiting ?? 0} waiting
          {(dead ?? 0) > 0 ? <Badge tone="bad">{dead} dead</Badge> : null}
        </div>
      ))}
      {triggers?.crons?.map(({ name: schedule, cron, next, lastAt, lastOutcome }) => (
        <div key={schedule}>
          <code>{cron}</code>: next <When at={next[0]} />
          {lastAt === undefined ? null : (
            <>
              , last <When at={lastAt} /> ({lastOutcome})
            </>
          )}
        </div>
      ))}
    </div>
  );
}
