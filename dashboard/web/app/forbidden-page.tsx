import { LinkButton } from "../ui/button.tsx";
import { Empty } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";

/** Instead of a page that the key of this page cannot use. */
export function ForbiddenPage({ obstacle }: { readonly obstacle: string }) {
  return (
    <Page title="Not for your key">
      <Empty title="Your key cannot use this page">
        <p>{obstacle}</p>
        <LinkButton href="/">What your key can do</LinkButton>
      </Empty>
    </Page>
  );
}
