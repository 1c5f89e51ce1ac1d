import { useEffect, useState } from "preact/hooks";
import { asProblem } from "../api/problem.ts";
import { useSessionConfig } from "../session/config.ts";
import { ended } from "../session/credential.ts";
import { leaveHere } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Notice } from "../ui/notice.tsx";
import { KeyEntry } from "./key-entry.tsx";

/** Over the page when the key or token is not valid any more: what was typed stays until somebody has signed in again. */
export function SessionEnded() {
  return ended.value === undefined ? null : <SignInAgain why={ended.value} />;
}

function SignInAgain({ why }: { readonly why: string }) {
  const config = useSessionConfig();
  const lead = (
    <>
      <p>Skiff does not accept your key or token any more: {why}</p>
      <p>This page keeps what you typed until you are signed in again. For somebody else it opens anew.</p>
      {config?.oidc ? <IssuerLink issuer={config.oidc.issuer} /> : null}
    </>
  );
  return (
    <Dialog title="Sign in again">
      <KeyEntry lead={lead}>
        {(isEmpty) => (
          <footer>
            <Button onClick={leaveHere}>Sign out</Button>
            <Button type="submit" kind="primary" disabled={isEmpty}>
              Sign in
            </Button>
          </footer>
        )}
      </KeyEntry>
    </Dialog>
  );
}

/** A link to the issuer in a tab of its own, which signs in this one as well. */
function IssuerLink({ issuer }: { readonly issuer: string }) {
  const [url, setUrl] = useState<string>();
  const [count, setCount] = useState(0);
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    const begin = async () => setUrl(await (await import("../session/oidc.ts")).beginAgain());
    begin().catch((error: unknown) => setFault(asProblem(error).message));
  }, [issuer, count]);
  if (fault !== undefined) return <Notice kind="bad">{fault}</Notice>;
  if (url === undefined) return null;
  return (
    <p>
      {/* Each sign-in can be finished once: the next click needs another one. */}
      <a
        class="button primary"
        href={url}
        target="_blank"
        rel="noopener noreferrer"
        onClick={() => setCount(count + 1)}
      >
        Sign in with {new URL(issuer).host}, in a new tab
      </a>
    </p>
  );
}
