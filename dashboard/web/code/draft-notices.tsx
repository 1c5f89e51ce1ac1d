import { FoundDrafts } from "../drafts/found-drafts.tsx";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import type { CodeSession } from "./session.ts";
import { isChanged, type Workspace } from "./workspace.ts";

interface DraftNoticesProps {
  readonly session: CodeSession;
  readonly workspace: Workspace;
  /** The version with most of the calls now. */
  readonly current: number | undefined;
}

/** Says what came back, what other tabs left behind, and that somebody else has deployed. */
export function DraftNotices({ session, workspace, current }: DraftNoticesProps) {
  const isOutdated = current !== undefined && current !== workspace.current;
  return (
    <>
      <FoundDrafts
        drafts={session.drafts}
        of="function"
        isChanged={isChanged(workspace)}
        onRestore={(draft) => session.restore(draft)}
        onDiscard={() => session.discard()}
        basedOn={({ current: version }) => `version ${version}`}
      >
        <Button small onClick={() => session.compare()}>
          Compare
        </Button>
      </FoundDrafts>
      {isOutdated ? (
        <Notice kind="warn" title={`Version ${current} is current now`}>
          <p>Your changes are based on version {workspace.current}.</p>
          <Button small onClick={() => session.compare()}>
            Compare
          </Button>
        </Notice>
      ) : null}
    </>
  );
}
