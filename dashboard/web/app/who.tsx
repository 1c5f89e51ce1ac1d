import { useEffect } from "preact/hooks";
import { acceptOffer, offer, openSession } from "../session/link.ts";
import { holder, unanswered } from "../session/session.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Mark } from "./shell.tsx";

const AGAIN_MS = 2_000;

/** The page while Skiff does not say who is signed in, as during a restart. Asks again by itself. */
export function Unanswered() {
  useEffect(() => {
    const timer = setTimeout(() => void openSession(), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [unanswered.value]);
  return (
    <main class="sign-in">
      <form>
        <h1>
          <Mark /> Skiff
        </h1>
        <ProblemNotice problem={unanswered.value} retry={openSession} />
        <p class="muted">You stay signed in. This page tries again every few seconds.</p>
      </form>
    </main>
  );
}

/** Asks before the key of a link replaces that of who is signed in: any page can send a browser to such a link. */
export function OfferDialog() {
  if (offer.value === undefined) return null;
  const offered = offer.value;
  return (
    <FormDialog
      title="Sign in with the key of a link?"
      action="Sign in with it"
      onSubmit={() => acceptOffer(offered)}
      onClose={() => {
        offer.value = undefined;
      }}
    >
      <p>
        You are signed in as <strong>{holder.value?.by}</strong>. The link signs in as{" "}
        <strong>{offered.holder.by}</strong> ({offered.holder.scopes.join(", ")}) instead.
      </p>
      <p>If you did not open such a link yourself, cancel: another page sent you here.</p>
    </FormDialog>
  );
}
