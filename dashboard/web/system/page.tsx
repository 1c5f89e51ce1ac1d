import { useState } from "preact/hooks";
import { Link } from "wouter";
import { api } from "../api/client.ts";
import { useResource } from "../api/resource.ts";
import { BodyText } from "../blocks/body-text.tsx";
import { Facts, Figure } from "../blocks/facts.tsx";
import { withCode } from "../blocks/with-code.ts";
import { Button } from "../ui/button.tsx";
import { Copy, CopyLine } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Notice } from "../ui/notice.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Badge, bytesText, Count, durationText, When } from "../ui/values.tsx";
import { Limits } from "./limits.tsx";
import type { System } from "./system.ts";

const EVERY_MS = 5_000;
const MIB = 2 ** 20;
const ACCESS = {
  loopback: "programs of this machine, without a token",
  token: "holders of a key or the token",
  open: "everybody: SKIFF_ACCESS=open",
};

/** What this Skiff is, and how it is. */
export default function SystemPage() {
  const found = useResource<System>("/system", { everyMs: EVERY_MS });
  const system = found.data;
  return (
    <Page
      title="System"
      badges={
        system === undefined ? undefined : <Health system={system} isGone={found.problem !== undefined} />
      }
    >
      <Loaded from={found}>
        {(shown) => (
          <>
            <Warnings system={shown} />
            <Figures system={shown} />
            <About system={shown} />
            <Section title="For programs">
              <Documents url={shown.url} />
            </Section>
            <Limits limits={shown.limits} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Health({
  system: { store, version },
  isGone,
}: {
  readonly system: System;
  readonly isGone: boolean;
}) {
  return (
    <>
      <Badge>{version}</Badge>
      {isGone ? <Badge tone="bad">does not answer</Badge> : null}
      {isGone || store.ok ? null : <Badge tone="bad">store away</Badge>}
      {!isGone && store.ok ? <Badge tone="ok">healthy</Badge> : null}
    </>
  );
}

function Warnings({ system: { store, access } }: { readonly system: System }) {
  return (
    <>
      {store.kind !== null && !store.ok ? (
        <Notice kind="bad" title="The store cannot be reached">
          {store.detail ?? "Calls of functions go on. Asynchronous calls, topics, schedules and flows wait."}
        </Notice>
      ) : null}
      {store.kind === null ? (
        <Notice kind="warn" title="There is no store">
          Asynchronous calls, topics, schedules, flows, usage and the audit log need one.
        </Notice>
      ) : null}
      {access === "open" ? (
        <Notice kind="warn" title="Everybody may change everything">
          SKIFF_ACCESS=open asks nobody for a token.
        </Notice>
      ) : null}
    </>
  );
}

function Figures({ system }: { readonly system: System }) {
  const { functions, instances, memory, pool, process } = system;
  return (
    <div class="cards figures">
      <Figure title="Functions" value={<Count value={functions} />} note={`${instances} ready instances`} />
      {memory === undefined ? null : (
        <Figure
          title="Memory of instances"
          value={bytesText(memory.usedMiB * MIB)}
          note={
            <>
              <meter
                class="share"
                min={0}
                max={memory.limitMiB}
                value={memory.usedMiB}
                aria-label="Used memory of all instances"
              />{" "}
              of {bytesText(memory.limitMiB * MIB)}
            </>
          }
        />
      )}
      {pool === undefined ? null : (
        <Figure title="Warm pods" value={<Count value={pool.ready} />} note={`of ${pool.size}`} />
      )}
      <Figure
        title="This process"
        value={bytesText(process.memoryMiB * MIB)}
        note={`${durationText(process.cpuS * 1_000)} of processor time`}
      />
      <Figure
        title="Up for"
        value={durationText(process.uptimeS * 1_000)}
        note={<When at={system.startedAt} />}
      />
    </div>
  );
}

function About({ system }: { readonly system: System }) {
  const { store, git, commands, oidc, isolation, programs } = system;
  const kind = store.kind === "postgresql" ? "PostgreSQL" : "SQLite";
  return (
    <Facts
      facts={[
        [
          "Address",
          <span class="with-copy">
            {system.url} <Copy text={system.url} />
          </span>,
        ],
        ["Platform", system.platform === "kubernetes" ? "Kubernetes" : "one machine"],
        ["Store", store.kind === null ? "none" : `${kind}, schema ${store.schema ?? "unknown"}`],
        ["Git", git.version ?? git.detail],
        ["Management API for", ACCESS[system.access]],
        ["OpenID provider", oidc?.issuer ?? "none"],
        ["Commands", <Link href="/commands">{commands.on ? "on" : "off"}</Link>],
        ["Images of commands", commands.on ? commands.images.join(", ").replace(/^\*$/, "all") : undefined],
        ["Files of functions", withCode(isolation?.files)],
        ["Network of functions", withCode(isolation?.network)],
        ["Files of programs", withCode(programs?.files)],
        ["Network of programs", withCode(programs?.network)],
      ]}
    />
  );
}

const DOCUMENTS = [
  { path: "/openapi.json", title: "OpenAPI", text: "the description of the whole API" },
  { path: "/metrics", title: "Metrics", text: "for Prometheus" },
] as const;

/** What other programs read. A link would lack the key, so the page reads it itself. */
function Documents({ url }: { readonly url: string }) {
  const [shown, setShown] = useState<{ readonly title: string; readonly text: string }>();
  const show = async (path: string, title: string) => setShown({ title, text: await api.text(path) });
  return (
    <div class="card stack">
      {DOCUMENTS.map(({ path, title, text }) => (
        <div key={path} class="document-row">
          <span>
            <strong>{title}</strong> <span class="muted">{text}</span>
          </span>
          <CopyLine label={`Address of ${title}`} text={`${url}${path}`} />
          <Button onClick={() => show(path, title)}>Show</Button>
        </div>
      ))}
      {shown === undefined ? null : (
        <Dialog title={shown.title} wide onClose={() => setShown(undefined)}>
          <div>
            <BodyText label={shown.title} text={shown.text} />
          </div>
        </Dialog>
      )}
    </div>
  );
}
