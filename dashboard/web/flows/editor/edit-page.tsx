import { useEffect, useMemo, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { ProblemNotice } from "../../ui/notice.tsx";
import { Page } from "../../ui/page.tsx";
import { FlowEditor } from "./flow-editor.tsx";
import { BEGINNING, FlowSession, NOTHING, readFlow } from "./session.ts";

/** The text of a flow and its graph side by side. Without a name: a new flow. */
export default function EditFlowPage({
  params: { name },
}: {
  readonly params: Readonly<Record<string, string>>;
}) {
  const session = useMemo(() => new FlowSession(name), [name]);
  const [state, setState] = useState<{ readonly isOpen: boolean; readonly problem?: ApiProblem }>({
    isOpen: false,
  });
  const open = async () => {
    try {
      const reading = name === undefined ? NOTHING : readFlow(name);
      const [stored, own] = await Promise.all([reading, session.drafts.open()]);
      if (own !== undefined && own.content.text !== stored.text) session.restore(stored, own.content);
      else session.open(stored, name === undefined ? BEGINNING : undefined);
      setState({ isOpen: true });
    } catch (error) {
      setState({ isOpen: false, problem: asProblem(error) });
    }
  };
  useEffect(() => {
    setState({ isOpen: false });
    void open();
    return () => session.close();
  }, [session]);
  if (state.isOpen) return <FlowEditor session={session} />;
  return (
    <Page title={name ?? "New flow"} parent={{ href: "/flows", text: "Flows" }}>
      {state.problem === undefined ? (
        <div class="loading">Loading…</div>
      ) : (
        <ProblemNotice problem={state.problem} retry={open} />
      )}
    </Page>
  );
}
