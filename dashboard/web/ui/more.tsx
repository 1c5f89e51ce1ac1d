import { Button } from "./button.tsx";
import type { Paged } from "./paged.ts";

/** Reads the next page of a list; nothing where there is none. */
export function More({ list }: { readonly list: Pick<Paged<unknown>, "hasMore" | "more"> }) {
  if (!list.hasMore) return null;
  return (
    <p class="more">
      <Button onClick={list.more}>Show more</Button>
    </p>
  );
}
