import { holder } from "../session/session.ts";
import { Trial } from "../try/try-panel.tsx";
import { Page } from "../ui/page.tsx";

/** Calls a function by its name, for keys that cannot read what it is: `/try/NAME`. */
export default function TryByNamePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  const url = `${holder.value!.url}/fn/${encodeURIComponent(name)}`;
  return (
    <Page title={`Try ${name}`} parent={{ href: "/", text: "Start" }}>
      <div class="try">
        <Trial key={name} called={{ name, url, access: "key", traffic: [], versions: [] }} />
      </div>
    </Page>
  );
}
