import { Link } from "wouter";
import { CopyLine } from "../ui/copy.tsx";
import type { Repository } from "./repository.ts";

/** How to get a repository, and how to deploy with it. */
export function CloneLines({ repository: { url, branch } }: { readonly repository: Repository }) {
  return (
    <div class="card stack">
      <CopyLine label="Clone" text={`git clone ${url}`} />
      <CopyLine label="Commit" text={'git commit -am "Say hello"'} />
      <CopyLine label="Push" text={`git push origin HEAD:${branch}`} />
      <p class="muted">
        The push builds and tries the commit, then sends it the calls. If it does not build or start, the push
        fails and the version before goes on. Git asks for a password if Skiff has keys: use{" "}
        <Link href="/keys">a key</Link> with the scopes read and deploy, and any user name.
      </p>
    </div>
  );
}
