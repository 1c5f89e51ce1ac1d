import type { Callers } from "../../http/access/callers.ts";
import type { FlowServices } from "../services.ts";
import type { Beginning } from "./beginning.ts";
import type { Inputs } from "./inputs.ts";
import type { Outcomes } from "./outcomes.ts";

/** What the requests that begin runs share. */
export interface IntakeParts {
  readonly services: FlowServices;
  readonly inputs: Inputs;
  readonly beginning: Beginning;
  readonly outcomes: Outcomes;
  readonly callers: Callers;
}
