import { useState } from "preact/hooks";
import { useResource } from "../api/resource.ts";
import { allowed } from "../blocks/allowed.ts";
import { can } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { CopyLine } from "../ui/copy.tsx";
import { Checkbox, TextField } from "../ui/field.tsx";
import { Empty, ProblemNotice } from "../ui/notice.tsx";
import { Page, Section } from "../ui/page.tsx";
import { History } from "./history.tsx";
import { Output } from "./output.tsx";
import { envFault, type Order, runCommand, runs, stopRun } from "./run.ts";

const FIRST: Order = {
  ...{ image: "host", command: "", hasShell: true },
  ...{ stdin: "", env: "", timeout: "", memory: "" },
};

interface System {
  readonly platform: "local" | "kubernetes";
  readonly commands: { readonly on: boolean; readonly images: readonly string[] };
}

/** Runs commands in images, or of this machine. */
export default function CommandsPage() {
  const system = useResource<System>(can("read") ? "/system" : undefined);
  const [order, setOrder] = useState<Order>();
  const [shownId, setShownId] = useState<number>();
  const commands = system.data?.commands;
  const images = (commands?.images ?? []).filter((image) => !image.includes("*"));
  // A cluster has no programs of its own to run.
  const first = system.data?.platform === "kubernetes" ? (images[0] ?? "alpine:3.20") : (images[0] ?? "host");
  const current = order ?? { ...FIRST, image: first };
  const shown = runs.value.find(({ id }) => id === shownId) ?? runs.value[0];
  if (commands?.on === false)
    return (
      <Page title="Commands">
        <Off platform={system.data!.platform} />
      </Page>
    );
  return (
    <Page title="Commands">
      <ProblemNotice problem={system.problem} retry={system.reload} />
      <OrderForm
        order={current}
        images={images.length > 0 ? images : ["host", "alpine:3.20", "debian:stable-slim"]}
        onChange={(changed) => setOrder({ ...current, ...changed })}
        onRun={() => setShownId(undefined)}
      />
      {shown === undefined ? (
        <p class="muted">
          The output appears here while the command runs. Skiff keeps nothing of the command.
        </p>
      ) : (
        <Output run={shown} />
      )}
      {runs.value.length > 0 ? (
        <Section
          title="Commands of this tab"
          actions={
            <Button
              small
              kind="quiet"
              icon="trash"
              onClick={() => {
                runs.value = runs.value.filter(({ durationMs }) => durationMs === undefined);
              }}
            >
              Clear
            </Button>
          }
        >
          <History runs={runs.value} shownId={shown?.id} onShow={setShownId} onUse={setOrder} />
        </Section>
      ) : null}
    </Page>
  );
}

interface OrderFormProps {
  readonly order: Order;
  readonly images: readonly string[];
  readonly onChange: (changed: Partial<Order>) => void;
  readonly onRun: () => void;
}

function OrderForm({ order, images, onChange, onRun }: OrderFormProps) {
  const running = runs.value.find(({ durationMs }) => durationMs === undefined);
  const fault = envFault(order.env);
  const rights = allowed("run");
  const submit = (event: Event) => {
    event.preventDefault();
    if (running !== undefined || fault !== undefined) return;
    onRun();
    void runCommand(order);
  };
  return (
    <form class="card stack command-form" onSubmit={submit}>
      <div class="row">
        <div class="image-field">
          <TextField
            label="Image"
            value={order.image}
            onChange={(image) => onChange({ image })}
            suggestions={images}
            mono
            required
          />
        </div>
        <div class="command-field">
          <TextField
            label="Command"
            value={order.command}
            onChange={(command) => onChange({ command })}
            placeholder="uname -a"
            mono
            autoFocus
          />
        </div>
        {running === undefined ? (
          <Button kind="primary" type="submit" icon="play" {...rights}>
            Run
          </Button>
        ) : (
          <Button kind="danger" icon="stop" onClick={() => stopRun(running.id)}>
            Stop
          </Button>
        )}
      </div>
      <Checkbox
        label={
          <>
            In a shell <span class="muted">so that pipes, variables and * work</span>
          </>
        }
        checked={order.hasShell}
        onChange={(hasShell) => onChange({ hasShell })}
      />
      <p class="muted">
        Image <code>host</code>: programs of this machine, in a sandbox. Any other name is pulled by the
        container engine.
      </p>
      <details>
        <summary>Standard input, variables and limits</summary>
        <div class="stack">
          <div class="row">
            <TextField
              label="Standard input"
              value={order.stdin}
              onChange={(stdin) => onChange({ stdin })}
              rows={3}
              mono
            />
            <TextField
              label="Variables"
              value={order.env}
              onChange={(env) => onChange({ env })}
              rows={3}
              fault={fault}
              placeholder="NAME=value"
              mono
            />
          </div>
          <div class="row">
            <TextField
              label="Longest run"
              value={order.timeout}
              onChange={(timeout) => onChange({ timeout })}
              placeholder="60s"
              mono
            />
            <TextField
              label="Memory"
              value={order.memory}
              onChange={(memory) => onChange({ memory })}
              placeholder="256Mi"
              mono
            />
          </div>
        </div>
      </details>
    </form>
  );
}

function Off({ platform }: { readonly platform: string }) {
  return (
    <Empty title="Commands are switched off">
      <p>
        They are on by default where Skiff listens on loopback, and off elsewhere, because whoever may run
        commands can run any program. Switch them on with the variable SKIFF_EXEC of{" "}
        {platform === "kubernetes" ? "the manager" : "Skiff"}; keys need the scope “run”.
      </p>
      <CopyLine
        label="Command"
        text={
          platform === "kubernetes"
            ? "kubectl -n skiff set env deployment/skiff-manager SKIFF_EXEC=on"
            : "SKIFF_EXEC=on npm start"
        }
      />
    </Empty>
  );
}
