import { signal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";

interface Unsaved {
  readonly id: string;
  /** What has changes, such as `The settings of hello`. */
  readonly what: string;
}

/** Forms whose changes are not saved and would be lost with the page. */
export const unsaved = signal<readonly Unsaved[]>([]);

/** Asks before what somebody typed is lost: by a click on another page, by the way back, or with the tab. */
export function useUnsaved(what: string, isChanged: boolean): void {
  const id = useId();
  useEffect(() => {
    if (!isChanged) return undefined;
    unsaved.value = [...unsaved.value, { id, what }];
    addEventListener("beforeunload", stay);
    return () => {
      unsaved.value = unsaved.value.filter((each) => each.id !== id);
      if (unsaved.value.length === 0) removeEventListener("beforeunload", stay);
    };
  }, [id, what, isChanged]);
}

/** The browser asks with words of its own. */
function stay(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
