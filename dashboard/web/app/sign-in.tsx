import { useState } from "preact/hooks";
import { useSessionConfig } from "../session/config.ts";
import { signInFault, signInWith } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { Mark } from "./shell.tsx";

/** The page for nobody: a key, or the account of an OpenID provider. */
export function SignIn() {
  const [text, setText] = useState("");
  const config = useSessionConfig();
  const submit = (event: Event) => {
    event.preventDefault();
    void signInWith(text.trim());
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>
          <Mark /> Skiff
        </h1>
        {signInFault.value === undefined ? null : <Notice kind="bad">{signInFault.value}</Notice>}
        <TextField label="Key or token" type="password" value={text} onChange={setText} required mono />
        <Button type="submit" kind="primary">
          Sign in
        </Button>
        {config?.oidc ? (
          <Button onClick={async () => (await import("../session/oidc.ts")).beginSignIn()}>
            Sign in with {new URL(config.oidc.issuer).host}
          </Button>
        ) : null}
        <p class="muted">
          On the machine of Skiff, <code>skiff dashboard</code> prints a link that signs in.{" "}
          <code>skiff key create</code> makes a key for somebody else.
        </p>
      </form>
    </main>
  );
}
