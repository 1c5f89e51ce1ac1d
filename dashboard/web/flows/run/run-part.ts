import type { RunDocument } from "./run.ts";

/** What every part of the page of a run gets. */
export interface RunPartProps {
  readonly run: RunDocument;
  /** Of the API. */
  readonly path: string;
  readonly reload: () => Promise<void>;
  /** The run goes on, so it is read again. */
  readonly begun: () => void;
}
