import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { useSearch } from "wouter";
import { useAddressQuery } from "../blocks/address-query.ts";
import { Editor, type Place } from "../editor/editor.tsx";
import { languageOf } from "../editor/languages.ts";
import { useDescribed } from "../function/described.ts";
import { FunctionPage } from "../function/function-page.tsx";
import { LinkButton } from "../ui/button.tsx";
import { Empty, Notice, ProblemNotice } from "../ui/notice.tsx";
import { showProblem } from "../ui/toast.tsx";
import { bytesText } from "../ui/values.tsx";
import type { ConflictProps } from "./conflict.tsx";
import { DeployBar } from "./deploy-bar.tsx";
import { DraftNotices } from "./draft-notices.tsx";
import { type Fault, FaultList, faultsOf, marksOf } from "./faults.tsx";
import { FileList } from "./file-list.tsx";
import { NewerVersions } from "./newer-versions.tsx";
import { QuickCall } from "./quick-call.tsx";
import { CodeSession } from "./session.ts";
import { VersionCode } from "./version-code.tsx";
import { type Workspace, withFile } from "./workspace.ts";

/** A panel with a call stands beside the editor where there is room for both. */
const ROOMY_PX = 1_240;

/**
 * `/functions/NAME/code?file=&line=&column=&version=`: the source, drafts of it, and the way to make it live. Other
 * versions than the current one are read-only.
 */
export default function CodePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  return (
    <FunctionPage name={name} part="Code" wide>
      <CurrentOrOther key={name} name={name} />
    </FunctionPage>
  );
}

function CurrentOrOther({ name }: { readonly name: string }) {
  const { data, problem } = useDescribed();
  const [get, set] = useAddressQuery();
  const version = Number(get("version"));
  const isCurrent = version === data?.version;
  // A deploy while the current version is edited must not turn the editor into a view of the version before.
  useEffect(() => {
    if (isCurrent) set({ version: "" });
  }, [isCurrent]);
  if (!Number.isInteger(version) || version < 1 || isCurrent) return <Code name={name} />;
  if (data !== undefined) return <VersionCode key={version} {...{ name, version, current: data.version }} />;
  return problem === undefined ? <div class="loading">Loading…</div> : <ProblemNotice problem={problem} />;
}

function Code({ name }: { readonly name: string }) {
  const session = useMemo(() => new CodeSession(name), [name]);
  const { data, reload } = useDescribed();
  const workspace = session.workspace.value;
  const deployed = session.deployed.value;
  useEffect(() => {
    void session.open();
    return () => void session.drafts.close();
  }, [session]);
  // Somebody else has deployed, or Skiff is back.
  useEffect(() => {
    const known = session.workspace.peek()?.current;
    if (data !== undefined && known !== undefined && data.version !== known) {
      session.refresh().catch(showProblem);
    }
    session.answered();
  }, [data]);
  useEffect(() => void (deployed.kind === "done" && reload()), [deployed]);
  if (workspace === undefined) {
    const { value: problem } = session.problem;
    if (problem === undefined) return <div class="loading">Loading…</div>;
    return <ProblemNotice problem={problem} retry={() => session.open()} />;
  }
  if (Object.keys(workspace.base.files).length === 0) return <NoSource name={name} />;
  const conflict = session.conflict.value;
  if (conflict !== undefined) {
    return <Merging key={conflict.version} session={session} workspace={workspace} theirs={conflict} />;
  }
  return <Work session={session} workspace={workspace} />;
}

/** Loads the merge view, which few pages need. */
function Merging(props: ConflictProps) {
  const [view, setView] = useState<{ readonly Conflict: ComponentType<ConflictProps> }>();
  useEffect(() => void import("./conflict.tsx").then(setView, showProblem), []);
  return view === undefined ? <div class="loading">Loading…</div> : <view.Conflict {...props} />;
}

interface WorkProps {
  readonly session: CodeSession;
  readonly workspace: Workspace;
}

function Work({ session, workspace }: WorkProps) {
  const { data } = useDescribed();
  const [place, setPlace] = useState<Place>();
  const [isTrying, setTrying] = useState(() => innerWidth >= ROOMY_PX);
  const search = useSearch();
  const { files } = workspace;
  const shown = session.shown.value;
  const deployed = session.deployed.value;
  const problem = deployed.kind === "failed" ? deployed.problem : undefined;
  const paths = Object.keys(files).join("\n");
  // Marks move with the text, until the next deploy finds others.
  const faults = useMemo(() => faultsOf(problem, files), [problem, paths]);
  const marks = useMemo(() => marksOf(faults, shown), [faults, shown]);
  const jump = (path: string, { line, column }: Partial<Place>) => {
    if (path in files) session.shown.value = path;
    if (line !== undefined) setPlace({ line, ...(column === undefined ? {} : { column }) });
  };
  useEffect(() => {
    const wanted = new URLSearchParams(search);
    const [file, line, column] = ["file", "line", "column"].map((each) => wanted.get(each) ?? undefined);
    if (file !== undefined) jump(file, { ...numbered("line", line), ...numbered("column", column) });
  }, [search]);
  useEffect(() => {
    const [first] = faults;
    if (first !== undefined) jump(first.path, first);
  }, [problem]);
  const counts = new Map<string, number>();
  for (const { path } of faults) counts.set(path, (counts.get(path) ?? 0) + 1);
  const content = files[shown];
  return (
    <div class={isTrying ? "code trying" : "code"}>
      <NewerVersions edited={workspace.current} />
      <DraftNotices session={session} workspace={workspace} current={data?.version} />
      <DeployBar {...{ session, workspace, isTrying }} onTry={() => setTrying(!isTrying)} />
      {problem === undefined ? null : (
        <FaultList {...{ problem, faults }} onJump={(fault: Fault) => jump(fault.path, fault)} />
      )}
      <div class="code-body">
        <FileList {...{ session, workspace }} faults={counts} />
        {content !== undefined && "text" in content ? (
          <Editor
            value={content.text}
            file={shown}
            language={languageOf(shown === "main" ? programName(content.text) : shown)}
            label={`Source of ${shown}`}
            marks={marks}
            goTo={place}
            onChange={(text) => session.change(withFile(session.workspace.peek()!, shown, { text }))}
          />
        ) : (
          <Notice title={`${shown} is a binary file`}>
            {content === undefined ? null : <p>It has {bytesText(content.bytes)}.</p>}
          </Notice>
        )}
        {isTrying ? (
          <QuickCall
            name={session.name}
            version={deployed.kind === "done" ? deployed.version : undefined}
            withKey={data !== undefined && data.settings.access !== "public"}
          />
        ) : null}
      </div>
    </div>
  );
}

function NoSource({ name }: { readonly name: string }) {
  return (
    <Empty title="An image has no source here">
      <p>Deploy another image with its name and settings.</p>
      <LinkButton href={`/functions/${name}/settings`}>Settings</LinkButton>
    </Empty>
  );
}

function numbered(name: "line" | "column", text: string | undefined): Partial<Place> {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? { [name]: value } : {};
}

/** A program of one file has no name: its first line names what runs it. */
function programName(text: string): string {
  const [first = ""] = text.split("\n", 1);
  if (/python/.test(first)) return "main.py";
  return /node|deno|bun/.test(first) ? "main.mjs" : "main";
}
