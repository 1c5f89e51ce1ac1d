import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import type { FlowGraph } from "../../../../platform/flows/graph/flow-graph.ts";
import { api } from "../../api/client.ts";
import { useResource } from "../../api/resource.ts";
import { allowed } from "../../blocks/allowed.ts";
import { can } from "../../session/session.ts";
import { Button, LinkButton } from "../../ui/button.tsx";
import { FormDialog } from "../../ui/dialog.tsx";
import { Checkbox } from "../../ui/field.tsx";
import { Menu } from "../../ui/menu.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Loaded, Page, Section } from "../../ui/page.tsx";
import { PlacedCanvas } from "../canvas/placed-canvas.tsx";
import { Runs } from "../list/runs.tsx";
import type { FlowDetails } from "./flow.ts";
import { FlowVersions } from "./flow-versions.tsx";
import { StartRun } from "./start-run.tsx";
import { Triggers } from "./triggers.tsx";

const EVERY_MS = 5_000;

/** One flow: its graph, what begins it, its runs and its versions. */
export default function FlowPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  const found = useResource<FlowDetails>(`/flow/${name}`, { everyMs: EVERY_MS });
  const [dialog, setDialog] = useState<"run" | "delete">();
  const close = () => setDialog(undefined);
  return (
    <Page
      title={name}
      parent={{ href: "/flows", text: "Flows" }}
      actions={
        <>
          <Button kind="primary" icon="play" onClick={() => setDialog("run")} {...allowed("call")}>
            Run
          </Button>
          <LinkButton href={`/flows/${name}/edit`} icon="edit">
            Edit
          </LinkButton>
          <Menu
            label="More"
            items={[
              {
                text: "Delete",
                isDanger: true,
                onSelect: () => setDialog("delete"),
                disabled: !can("deploy"),
              },
            ]}
          />
        </>
      }
    >
      <Loaded from={found}>{(flow) => <Details flow={flow} reload={found.reload} />}</Loaded>
      {dialog === "run" ? <StartRun name={name} onClose={close} /> : null}
      {dialog === "delete" ? <DeleteFlow name={name} onClose={close} /> : null}
    </Page>
  );
}

function Details({ flow, reload }: { readonly flow: FlowDetails; readonly reload: () => Promise<void> }) {
  const { name, description, faults = [], warnings = [], noState, version } = flow;
  return (
    <>
      {description === undefined ? null : <p class="muted lead">{description}</p>}
      {faults.map(({ line, text }) => (
        <Notice
          key={`${line} ${text}`}
          kind="bad"
          title={line === undefined ? "The text has a fault" : `Line ${line}`}
        >
          {text}
        </Notice>
      ))}
      {warnings.map((warning) => (
        <Notice key={warning} kind="warn">
          {warning}
        </Notice>
      ))}
      {noState === undefined ? null : <Notice kind="warn">{noState}</Notice>}
      {faults.length > 0 ? null : <FlowPicture key={version} name={name} />}
      <Section title="Triggers">
        <Triggers flow={flow} />
      </Section>
      <Section title="Runs">
        <Runs path={`/flow/${name}/run`} />
      </Section>
      <Section title="Versions">
        <FlowVersions name={name} current={version} changed={reload} />
      </Section>
    </>
  );
}

function FlowPicture({ name }: { readonly name: string }) {
  const graph = useResource<FlowGraph>(`/flow/${name}/graph`, { query: { format: "json" } });
  return (
    <section class="canvas-box" aria-label="Graph">
      <Loaded from={graph}>
        {(shown) => <PlacedCanvas graph={shown} flow={name} label={`Graph of the flow ${name}`} />}
      </Loaded>
    </section>
  );
}

function DeleteFlow({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const [, go] = useLocation();
  const [cancels, setCancels] = useState(false);
  const remove = async () => {
    await api.send("DELETE", `/flow/${name}`, { query: { runs: cancels ? "cancel" : undefined } });
    go("/flows");
  };
  return (
    <FormDialog
      title={`Delete ${name}?`}
      action="Delete"
      kind="danger"
      typed={name}
      onSubmit={remove}
      onClose={onClose}
    >
      <p>Triggers no longer start runs of it. Ended runs stay readable. It cannot be undone.</p>
      <Checkbox
        label="Cancel its live runs. Otherwise they run to their end."
        checked={cancels}
        onChange={setCancels}
      />
    </FormDialog>
  );
}
