import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { matchRoute, useLocation, useRouter } from "wouter";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { credential } from "../session/credential.ts";
import { openSession } from "../session/link.ts";
import { seatOf } from "../session/seat.ts";
import { holder, signInFault, staySignedIn, unanswered } from "../session/session.ts";
import { Empty, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { ForbiddenPage } from "./forbidden-page.tsx";
import { obstacleTo } from "./rights.ts";
import { type PageRoute, ROUTES, type RouteParams } from "./routes.ts";
import { SessionEnded } from "./session-ended.tsx";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";
import { OfferDialog, Unanswered } from "./who.tsx";
import "./theme.ts";

const SIGNED_IN = "/signed-in";

export function App() {
  const [isOpened, setOpened] = useState(false);
  const [isForAnother, setForAnother] = useState(false);
  useEffect(() => {
    void open()
      .then(setForAnother)
      .finally(() => setOpened(true));
  }, []);
  if (!isOpened) return <div class="loading">Loading…</div>;
  if (isForAnother) return <SignedInElsewhere />;
  if (holder.value === undefined && unanswered.value !== undefined) return <Unanswered />;
  if (credential.value === undefined || holder.value === undefined) return <SignIn />;
  return (
    <Shell>
      {/* Nothing that one holder may read stays for another. */}
      <CurrentPage key={seatOf(holder.value)} />
      <OfferDialog />
      <SessionEnded />
    </Shell>
  );
}

/** Returns whether this tab was opened only to sign in another one. */
async function open(): Promise<boolean> {
  if (location.pathname !== SIGNED_IN) {
    await openSession();
    return false;
  }
  const finish = async () => (await import("../session/oidc.ts")).finishSignIn();
  const isForAnother = (await finish().catch(showFault)) && holder.value !== undefined;
  if (isForAnother) close();
  // A link that was followed before does no harm to who is signed in.
  else await staySignedIn().catch(showFault);
  return isForAnother;
}

function showFault(error: unknown): false {
  signInFault.value = asProblem(error).message;
  return false;
}

/** Browsers do not let every tab close itself. */
function SignedInElsewhere() {
  return (
    <main class="sign-in">
      <form>
        <h1>You are signed in</h1>
        <p>Close this tab, and go on in the one before it.</p>
      </form>
    </main>
  );
}

interface Shown {
  readonly route: PageRoute;
  readonly Content?: ComponentType<{ readonly params: RouteParams }>;
  readonly problem?: ApiProblem;
}

/** Loads the module of the page that the address names. */
function CurrentPage() {
  const [path] = useLocation();
  const { parser } = useRouter();
  const [shown, setShown] = useState<Shown>();
  const found = ROUTES.map((route) => ({ route, match: matchRoute(parser, route.path, path) })).find(
    ({ match }) => match[0],
  );
  const obstacle = holder.value && obstacleTo(path, holder.value);
  const route = obstacle === undefined ? found?.route : undefined;
  useEffect(() => {
    if (route === undefined) return undefined;
    let isGone = false;
    route.load().then(
      (module) => void (isGone || setShown({ route, Content: module.default })),
      (error: unknown) => void (isGone || setShown({ route, problem: asProblem(error) })),
    );
    return () => {
      isGone = true;
    };
  }, [route]);
  useEffect(() => scrollTo(0, 0), [path]);
  if (obstacle !== undefined) return <ForbiddenPage obstacle={obstacle} />;
  if (found === undefined || route === undefined) {
    return (
      <Page title="Not found">
        <Empty title="No page has this address">
          <p>Choose one at the left, or press Ctrl K and type a name.</p>
        </Empty>
      </Page>
    );
  }
  if (shown?.route !== route) return <Page title="Loading…" name="Loading" />;
  if (shown.Content === undefined) {
    return (
      <Page title="The page cannot be loaded">
        <ProblemNotice problem={shown.problem} retry={() => location.reload()} />
      </Page>
    );
  }
  const { Content } = shown;
  return <Content params={(found.match[1] ?? {}) as RouteParams} />;
}
