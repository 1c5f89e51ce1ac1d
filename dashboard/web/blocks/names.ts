import { useEffect, useState } from "preact/hooks";
import { type Named, pagesOf } from "../api/pages.ts";

/** Names of functions, topics or flows, for suggestions; none where they may not be read. */
export function useNames(kind: "func" | "topic" | "flow"): readonly string[] {
  const [names, setNames] = useState<readonly string[]>([]);
  useEffect(() => {
    const ending = new AbortController();
    const read = async () => {
      const member = { func: "functions", topic: "topics", flow: "flows" }[kind];
      for await (const page of pagesOf<Named>(`/${kind}`, member, ending.signal)) {
        if (ending.signal.aborted) return;
        setNames((before) => [...before, ...page.map(({ name }) => name)]);
      }
    };
    // The field takes what is typed without suggestions.
    read().catch(() => undefined);
    return () => {
      ending.abort();
      setNames([]);
    };
  }, [kind]);
  return names;
}
