import { Section } from "../../ui/page.tsx";
import { When } from "../../ui/values.tsx";
import type { RunDocument } from "./run.ts";

/** What people did to the run, such as a retry. */
export function History({ run: { history } }: { readonly run: RunDocument }) {
  if (history.length === 0) return null;
  return (
    <Section title="Changed by people">
      <ul class="history">
        {history.map(({ kind, at, by, reason, from, item }, index) => (
          <li key={index}>
            <When at={at} />: {kind}
            {from === undefined ? "" : ` from ${from}`}
            {item === undefined ? "" : `, item ${item},`} by {by}
            {reason === undefined ? "" : `: ${reason}`}
          </li>
        ))}
      </ul>
    </Section>
  );
}
