import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { When } from "../ui/values.tsx";
import type { CodeSession } from "./session.ts";
import type { Workspace } from "./workspace.ts";

interface DraftNoticesProps {
  readonly session: CodeSession;
  readonly workspace: Workspace;
  /** The version with most of the calls now. */
  readonly current: number | undefined;
}

/** Says what came back, what other tabs left behind, and that somebody else has deployed. */
export function DraftNotices({ session, workspace, current }: DraftNoticesProps) {
  const { offered, others } = session.found.value;
  const restoredAt = session.restoredAt.value;
  const isOutdated = current !== undefined && current !== workspace.current;
  return (
    <>
      {restoredAt === undefined ? null : (
        <Notice title="Your draft is back">
          <p>
            It was saved <When at={restoredAt} />.
          </p>
          <div class="row">
            <Button small onClick={() => session.compare()}>
              Compare
            </Button>
            <Button small onClick={() => session.discard()}>
              Discard it
            </Button>
          </div>
        </Notice>
      )}
      {isOutdated ? (
        <Notice kind="warn" title={`Version ${current} is current now`}>
          <p>Your changes are based on version {workspace.current}.</p>
          <Button small onClick={() => session.compare()}>
            Compare
          </Button>
        </Notice>
      ) : null}
      {offered.map((draft) => (
        <Notice key={draft.tab} title="A closed tab left a draft">
          <p>
            It was saved <When at={draft.savedAt} />, based on version {draft.current}.
          </p>
          <div class="row">
            <Button small kind="primary" onClick={() => session.restore(draft)}>
              Restore it
            </Button>
            <Button small onClick={() => session.forget(draft)}>
              Discard it
            </Button>
          </div>
        </Notice>
      ))}
      {others === 0 ? null : (
        <p class="muted">
          {others === 1 ? "Another tab has a draft" : `${others} other tabs have drafts`} of this function.
        </p>
      )}
    </>
  );
}
