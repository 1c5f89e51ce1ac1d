import type { ComponentChildren } from "preact";
import { AskedButton } from "../blocks/asked-button.tsx";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { When } from "../ui/values.tsx";
import type { DraftKeeper } from "./keeper.ts";
import type { Draft } from "./store.ts";

interface FoundDraftsProps<Content> {
  readonly drafts: DraftKeeper<Content>;
  /** What the drafts are of, such as `function`. */
  readonly of: string;
  /** Something was typed here, which another draft would replace. */
  readonly isChanged: boolean;
  readonly onRestore: (draft: Draft<Content>) => Promise<void>;
  readonly onDiscard: () => unknown;
  /** What a draft is based on, such as `version 3`. */
  readonly basedOn?: (content: Content) => string | undefined;
  /** More to do with the draft that came back. */
  readonly children?: ComponentChildren;
}

/** Says what came back, and what other tabs have or left behind. */
export function FoundDrafts<Content>(props: FoundDraftsProps<Content>) {
  const { drafts, of, isChanged, onRestore, onDiscard, basedOn, children } = props;
  const restoredAt = drafts.restoredAt.value;
  const others = drafts.others.value;
  const state = drafts.state.value;
  return (
    <>
      {state.kind === "failed" && isChanged ? (
        <Notice kind="warn" title="The browser keeps no draft">
          <p>{state.reason}</p>
        </Notice>
      ) : null}
      {restoredAt === undefined ? null : (
        <Notice title="Your draft is back">
          <p>
            It was saved <When at={restoredAt} />.
          </p>
          <div class="row">
            {children}
            <DiscardButton onDiscard={async () => onDiscard()} />
          </div>
        </Notice>
      )}
      {drafts.offered.value.map((draft) => {
        const base = basedOn?.(draft.content);
        return (
          <Notice key={draft.tab} title="A closed tab left a draft">
            <p>
              It was saved <When at={draft.savedAt} />
              {base === undefined ? "" : `, based on ${base}`}.
              {isChanged ? " To restore it, deploy or discard your changes here first." : ""}
            </p>
            <div class="row">
              <Button small kind="primary" disabled={isChanged} onClick={() => onRestore(draft)}>
                Restore it
              </Button>
              <DiscardButton onDiscard={() => drafts.forget(draft)} />
            </div>
          </Notice>
        );
      })}
      {others === 0 ? null : (
        <p class="muted">
          {others === 1 ? "Another tab has a draft" : `${others} other tabs have drafts`} of this {of}.
        </p>
      )}
    </>
  );
}

function DiscardButton({ onDiscard }: { readonly onDiscard: () => Promise<unknown> }) {
  return (
    <AskedButton
      small
      question="Discard the draft?"
      action="Discard it"
      outcome="What was typed is gone for good."
      onSubmit={onDiscard}
    >
      Discard it
    </AskedButton>
  );
}
