import { useState } from "preact/hooks";
import { AskedButton } from "../blocks/asked-button.tsx";
import { languageOf } from "../editor/languages.ts";
import { MergeView } from "../editor/merge-view.tsx";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import type { CodeSession } from "./session.ts";
import { type Content, differences, type Source } from "./source.ts";
import { type Workspace, withFile, withoutFile } from "./workspace.ts";

export interface ConflictProps {
  readonly session: CodeSession;
  readonly workspace: Workspace;
  readonly theirs: Source;
}

/** Theirs at the left, mine at the right, file by file: edit mine, then deploy it, or take theirs. */
export function Conflict({ session, workspace, theirs }: ConflictProps) {
  // Files that become equal while somebody edits stay in the list.
  const [paths] = useState(() => {
    const isShared = (path: string) => path in theirs.files && path in workspace.files;
    const found = differences(theirs.files, workspace.files);
    return [...found.filter(isShared), ...found.filter((path) => !isShared(path))];
  });
  const [shown, setShown] = useState(paths[0]!);
  const isNewer = theirs.version !== workspace.current;
  const [left, right] = [theirs.files[shown], workspace.files[shown]];
  return (
    <div class="code-conflict">
      <Notice
        kind="warn"
        title={
          isNewer
            ? `Version ${theirs.version} was deployed after you loaded version ${workspace.current}`
            : `Your changes beside version ${theirs.version}`
        }
      >
        <p>
          At the left is version {theirs.version}, at the right is yours. Arrows take a part from the left,
          and you can edit the right side.
        </p>
        <div class="row">
          <Button kind="primary" onClick={(event) => session.deployOnTop(options(event))}>
            Deploy mine on top
          </Button>
          <AskedButton
            question={`Take version ${theirs.version}?`}
            action="Take theirs"
            outcome="Your changes are gone for good."
            onSubmit={async () => session.takeTheirs()}
          >
            Take theirs
          </AskedButton>
          <Button
            onClick={() => {
              session.conflict.value = undefined;
            }}
          >
            Back to the editor
          </Button>
        </div>
      </Notice>
      <nav class="code-tabs" aria-label="Files that differ">
        {paths.map((path) => (
          <button key={path} type="button" aria-pressed={path === shown} onClick={() => setShown(path)}>
            {path}
          </button>
        ))}
      </nav>
      {isText(left) && isText(right) ? (
        <MergeView
          key={`${theirs.version} ${shown}`}
          original={left?.text ?? ""}
          value={right?.text ?? ""}
          language={languageOf(shown)}
          labels={[`${shown} of version ${theirs.version}`, `Your ${shown}`]}
          onChange={(text) => session.change(withFile(session.workspace.peek()!, shown, { text }))}
        />
      ) : (
        <Notice title={`${shown} is a binary file`}>
          <Button onClick={() => session.change(taken(session.workspace.peek()!, shown, left))}>
            Take theirs of this file
          </Button>
        </Notice>
      )}
    </div>
  );
}

function options({ timeStamp }: MouseEvent) {
  return { message: "", askedAtMs: timeStamp };
}

function isText(content: Content | undefined): content is { readonly text: string } | undefined {
  return content === undefined || "text" in content;
}

function taken(workspace: Workspace, path: string, content: Content | undefined): Workspace {
  return content === undefined ? withoutFile(workspace, path) : withFile(workspace, path, content);
}
