import { Problem } from "../../../platform/problems.ts";

/** A function was deployed or deleted while a push of it was under way. */
export class Meanwhile extends Problem<"push_refused"> {}

/** Returns how a deploy or a deletion of the function got in the way, with what git can do about it; else the error. */
export function meanwhile(error: unknown, name: string): unknown {
  if (!(error instanceof Problem) || error instanceof Meanwhile) return error;
  const { code, extensions } = error as Problem;
  if (code === "unknown_function") return deleted(name);
  if (code !== "precondition_failed") return error;
  const { version } = extensions;
  if (version === undefined) return deleted(name);
  const detail = `${name} moved to version ${version} meanwhile: fetch, merge and push again.`;
  return new Meanwhile("push_refused", detail);
}

function deleted(name: string): Meanwhile {
  return new Meanwhile("push_refused", `${name} was deleted meanwhile: push again to create it.`);
}
