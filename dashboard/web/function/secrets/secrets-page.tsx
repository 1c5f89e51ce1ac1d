import { useState } from "preact/hooks";
import { Link } from "wouter";
import { api } from "../../api/client.ts";
import { allowed, allowedForAll } from "../../blocks/allowed.ts";
import { AskedButton } from "../../blocks/asked-button.tsx";
import { PutSecret } from "../../secrets/put-secret.tsx";
import { Button } from "../../ui/button.tsx";
import { Empty } from "../../ui/notice.tsx";
import { Section } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { showWritten } from "../../ui/toast.tsx";
import { type Described, ifMatch, pathOf, useDescribed } from "../described.ts";
import { FunctionPage } from "../function-page.tsx";
import { UseSecret } from "./use-secret.tsx";

/** The secrets that a function gets as variables. */
export default function FunctionSecretsPage({
  params,
}: {
  readonly params: Readonly<Record<string, string>>;
}) {
  return (
    <FunctionPage
      name={params.name!}
      part="Secrets"
      show={(described) => <Secrets described={described} />}
    />
  );
}

function Secrets({ described }: { readonly described: Described }) {
  const { reload, read } = useDescribed();
  const { name, version, settings } = described;
  const [changing, setChanging] = useState<string>();
  const [isAdding, setAdding] = useState(false);
  const rows = Object.entries(settings.secrets).map(([variable, used]) => ({ variable, ...used }));
  const remove = async (variable: string) => {
    const secrets = { [variable]: null };
    await api.send("PATCH", pathOf(name), { json: { secrets }, headers: ifMatch(version) });
    await showWritten(`${name} no longer has ${variable}.`, {
      stored: `A version without ${variable} is stored.`,
      read,
      differs: (now) => (variable in now.settings.secrets ? `${name} has ${variable}` : undefined),
    });
  };
  const add = (
    <Button small icon="plus" onClick={() => setAdding(true)} {...allowedForAll("deploy")}>
      Use a secret
    </Button>
  );
  return (
    <Section title="Variables with secret values" actions={rows.length === 0 ? undefined : add}>
      {rows.length === 0 ? (
        <Empty title={`${name} uses no secret`}>
          <p>A secret is a value that the function reads from a variable. Nobody can read it back here.</p>
          {add}
        </Empty>
      ) : (
        <Table
          label="Secrets"
          rows={rows}
          keyOf={({ variable }) => variable}
          columns={[
            { title: "Variable", cell: ({ variable }) => <strong class="mono">{variable}</strong> },
            { title: "Secret", cell: ({ secret }) => <Link href="/secrets">{secret}</Link> },
            { title: "Version", cell: (row) => row.version, isNumber: true },
            {
              title: "Actions",
              cell: ({ variable, secret }) => (
                <div class="row-actions">
                  <Button small onClick={() => setChanging(secret)} {...allowedForAll("deploy")}>
                    New value
                  </Button>
                  <AskedButton
                    small
                    kind="quiet"
                    icon="trash"
                    label={`Remove ${variable} from ${name}`}
                    question={`Remove ${variable} from ${name}?`}
                    action="Remove"
                    outcome="A new version without it takes all calls. The secret itself stays."
                    onSubmit={() => remove(variable)}
                    {...allowed("deploy")}
                  />
                </div>
              ),
            },
          ]}
        />
      )}
      {changing === undefined ? null : (
        <PutSecret name={changing} onClose={() => setChanging(undefined)} onDone={reload} />
      )}
      {isAdding ? <UseSecret described={described} onClose={() => setAdding(false)} /> : null}
    </Section>
  );
}
