import { useState } from "preact/hooks";
import { ApiProblem } from "../api/problem.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import type { CodeSession } from "./session.ts";
import { changedPaths, pathFault, renamed, type Workspace, withFile, withoutFile } from "./workspace.ts";

interface FileListProps {
  readonly session: CodeSession;
  readonly workspace: Workspace;
  /** Number of faults by path. */
  readonly faults: ReadonlyMap<string, number>;
}

type Asking = "add" | "rename" | undefined;

/** The files of the source: choose, add, rename, remove, and bring removed ones back. */
export function FileList({ session, workspace, faults }: FileListProps) {
  const [asking, setAsking] = useState<Asking>();
  const { base, files } = workspace;
  const shown = session.shown.value;
  const changed = new Set(changedPaths(workspace));
  const paths = [...new Set([...Object.keys(base.files), ...Object.keys(files)])].sort();
  const mark = (path: string) => {
    const count = faults.get(path);
    if (count !== undefined) return <span class="count bad">{count}</span>;
    return changed.has(path) ? <span class="dot" role="img" aria-label="changed" title="Changed" /> : null;
  };
  return (
    <section class="code-files" aria-label="Files">
      <header>
        <h2>Files</h2>
        <Button kind="quiet" small icon="plus" label="Add a file" onClick={() => setAsking("add")} />
        <Button
          {...{ kind: "quiet", small: true, icon: "edit" }}
          label={`Rename ${shown}`}
          disabled={!(shown in files)}
          onClick={() => setAsking("rename")}
        />
        <Button
          {...{ kind: "quiet", small: true, icon: "trash" }}
          label={`Remove ${shown}`}
          disabled={Object.keys(files).length < 2}
          onClick={() => session.change(withoutFile(workspace, shown))}
        />
      </header>
      <ul>
        {paths.map((path) => (
          <li key={path}>
            {path in files ? (
              <button
                type="button"
                aria-current={path === shown ? "true" : undefined}
                onClick={() => {
                  session.shown.value = path;
                }}
              >
                <span class="path">{path}</span>
                {mark(path)}
              </button>
            ) : (
              <button
                type="button"
                class="removed"
                title="Bring it back"
                onClick={() => session.change(withFile(workspace, path, base.files[path]!))}
              >
                <span class="path">{path}</span>
                <span class="hidden">removed: bring it back</span>
              </button>
            )}
          </li>
        ))}
      </ul>
      {asking === undefined ? null : (
        <PathDialog
          title={asking === "add" ? "Add a file" : `Rename ${shown}`}
          action={asking === "add" ? "Add" : "Rename"}
          path={asking === "add" ? "" : shown}
          workspace={workspace}
          onClose={() => setAsking(undefined)}
          onPath={(path) => {
            session.change(
              asking === "add" ? withFile(workspace, path, { text: "" }) : renamed(workspace, shown, path),
            );
            session.shown.value = path;
          }}
        />
      )}
    </section>
  );
}

interface PathDialogProps {
  readonly title: string;
  readonly action: string;
  readonly path: string;
  readonly workspace: Workspace;
  readonly onPath: (path: string) => void;
  readonly onClose: () => void;
}

function PathDialog({ title, action, path, workspace, onPath, onClose }: PathDialogProps) {
  const [text, setText] = useState(path);
  const fault = pathFault(text, workspace.files);
  return (
    <FormDialog
      title={title}
      action={action}
      onClose={onClose}
      onSubmit={async () => {
        if (fault !== undefined)
          throw new ApiProblem(0, { title: "This path cannot be used", detail: fault });
        onPath(text);
      }}
    >
      <TextField
        label="Path"
        value={text}
        onChange={setText}
        hint="Inside of the source, such as src/page.ts"
        fault={text === path ? undefined : fault}
        mono
        autoFocus
      />
    </FormDialog>
  );
}
