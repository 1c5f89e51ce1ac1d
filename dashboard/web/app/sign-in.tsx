import { useSessionConfig } from "../session/config.ts";
import { Button } from "../ui/button.tsx";
import { KeyEntry } from "./key-entry.tsx";
import { Mark } from "./shell.tsx";

/** The page for nobody: a key, or the account of an OpenID provider. */
export function SignIn() {
  const config = useSessionConfig();
  const title = (
    <h1>
      <Mark /> Skiff
    </h1>
  );
  return (
    <main class="sign-in">
      <KeyEntry lead={title}>
        {() => (
          <>
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
          </>
        )}
      </KeyEntry>
    </main>
  );
}
