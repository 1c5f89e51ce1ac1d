import { Link } from "wouter";
import { useResource } from "../../api/resource.ts";
import { allowedForAll } from "../../blocks/allowed.ts";
import type { Key } from "../../keys/key.ts";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Section } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { Badge, When } from "../../ui/values.tsx";
import type { Described } from "../described.ts";
import { FunctionPage } from "../function-page.tsx";
import { ACCESS } from "./fields.ts";
import { SettingsForm } from "./settings-form.tsx";

/** Who may call a function, how often, and at which host names it answers. */
export default function AccessPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  return (
    <FunctionPage
      name={params.name!}
      part="Access"
      show={(described) => (
        <SettingsForm described={described} groups={ACCESS}>
          <Callers described={described} />
        </SettingsForm>
      )}
    />
  );
}

/** The keys with which the function can be called. */
function Callers({ described }: { readonly described: Described }) {
  const { name, settings } = described;
  const obstacle = allowedForAll("admin").title;
  const path = obstacle === undefined ? "/key" : undefined;
  const { data, problem } = useResource<{ readonly keys: readonly Key[] }>(path);
  const keys = data?.keys.filter(({ scopes = [], functions }) => {
    const mayCall = scopes.includes("call") || scopes.includes("admin");
    return mayCall && (functions === undefined || functions.includes(name));
  });
  return (
    <Section title="Keys that may call it">
      {settings.access === "key" ? null : (
        <Notice>
          {settings.access === "public"
            ? "Everybody may call it without a key. The keys below matter after access is key."
            : "Nobody calls it from outside, but asynchronous calls with these keys reach it."}
        </Notice>
      )}
      {obstacle === undefined ? null : <p class="muted">They cannot be listed. {obstacle}</p>}
      <ProblemNotice problem={problem} />
      {keys?.length === 0 ? (
        <p class="muted">
          No key may call it. <Link href="/keys">Create one with the scope call.</Link>
        </p>
      ) : null}
      {keys === undefined || keys.length === 0 ? null : (
        <Table
          label="Keys"
          rows={keys}
          keyOf={({ id }) => id}
          columns={[
            { title: "Name", cell: (key) => <Link href="/keys">{key.name ?? key.id}</Link> },
            {
              title: "Scopes",
              cell: ({ scopes = [] }) => (
                <span class="badges-line">
                  {scopes.map((scope) => (
                    <Badge key={scope}>{scope}</Badge>
                  ))}
                </span>
              ),
            },
            {
              title: "Functions",
              cell: ({ functions }) => (functions === undefined ? "all" : functions.length),
              isExtra: true,
            },
            { title: "Expires", cell: ({ expiresAt }) => <When at={expiresAt} /> },
          ]}
        />
      )}
    </Section>
  );
}
