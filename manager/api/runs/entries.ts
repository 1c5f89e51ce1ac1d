import type { Entry } from "../../../platform/flows/run/entry.ts";
import type { Runs } from "../../../store/flows/runs.ts";

const PAGE = 500;

/** Yields all entries of a run, oldest first, with few of them in memory. */
export async function* entriesOf(runs: Pick<Runs, "entries">, run: string): AsyncGenerator<Entry> {
  for (let after = 0; ; ) {
    const page = await runs.entries(run, after, PAGE);
    yield* page;
    after += page.length;
    if (page.length < PAGE) return;
  }
}
