import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { can, holder } from "../session/session.ts";
import { Button, LinkButton } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { Page, Section } from "../ui/page.tsx";
import { rightsText } from "./rights-text.ts";

/** The start page for a key that cannot list functions: what it can do. */
export function CallerStartPage() {
  const { functions } = holder.value!;
  return (
    <Page title="What your key can do">
      <p class="muted lead">{rightsText(holder.value!)}</p>
      {can("call") ? (
        <Section title="Try a function">
          {functions === undefined ? (
            <ByName />
          ) : (
            <ul class="card">
              {functions.map((name) => (
                <li key={name}>
                  <Link href={`/try/${encodeURIComponent(name)}`}>{name}</Link>
                </li>
              ))}
            </ul>
          )}
        </Section>
      ) : null}
      <div class="row">
        {can("call") ? <LinkButton href="/calls">Asynchronous calls of your key</LinkButton> : null}
        {can("deploy") ? (
          <LinkButton href="/new" icon="plus">
            Deploy a function
          </LinkButton>
        ) : null}
        {can("run") && functions === undefined ? (
          <LinkButton href="/commands">Run a command</LinkButton>
        ) : null}
      </div>
    </Page>
  );
}

function ByName() {
  const [name, setName] = useState("");
  const [, go] = useLocation();
  const submit = (event: Event) => {
    event.preventDefault();
    go(`/try/${encodeURIComponent(name.trim())}`);
  };
  return (
    <form class="card row" onSubmit={submit}>
      <TextField
        label="Name of the function"
        mono
        required
        value={name}
        onChange={setName}
        placeholder="hello"
      />
      <Button type="submit" kind="primary" icon="play" disabled={name.trim() === ""}>
        Try it
      </Button>
    </form>
  );
}
