import { codeHref } from "../logs/source-places.ts";
import { LinkButton } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { causeOf, type Trace } from "./trace.ts";

/** Why a call failed, with the line of code that its error names. Nothing for a call that printed no error. */
export function CauseNotice({ trace }: { readonly trace: Trace }) {
  const cause = causeOf(trace);
  if (cause === undefined) return null;
  const { function: name, version } = trace;
  return (
    <Notice kind="bad" title={cause.message}>
      {cause.place === undefined || name === undefined ? (
        "The lines below say more."
      ) : (
        <LinkButton small icon="edit" href={codeHref(name, cause.place, version)}>
          {`Open ${cause.place.file} at line ${cause.place.line}`}
        </LinkButton>
      )}
    </Notice>
  );
}
