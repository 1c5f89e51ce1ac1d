import { holder } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { CopyLine } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Notice } from "../ui/notice.tsx";
import type { NewKey } from "./key.ts";

/** A key that was just made. It is gone from the page when the dialog closes. */
export function ShownOnce({ made, onClose }: { readonly made: NewKey; readonly onClose: () => void }) {
  const url = holder.value!.url;
  return (
    <Dialog title={`Key ${made.name ?? made.id}`} onClose={onClose}>
      <div class="stack">
        <Notice kind="warn" title="Copy it now">
          Skiff stores only its hash and never shows the key again.
        </Notice>
        <CopyLine label="The key" text={made.key} />
        <p class="muted">Send it as a header:</p>
        <CopyLine label="Command" text={`curl -H "authorization: Bearer ${made.key}" ${url}/whoami`} />
        <p>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </p>
      </div>
    </Dialog>
  );
}
