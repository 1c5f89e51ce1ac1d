import { closestWord } from "../../process/closest-word.ts";
import type { Api } from "./api.ts";
import { listFunctions } from "./functions.ts";
import { ApiProblem } from "./problem.ts";

/** Throws `error` again; an unknown function with the name that is probably meant. */
export async function suggestName(error: unknown, api: () => Api): Promise<never> {
  const isUnknown = error instanceof ApiProblem && error.code === "unknown_function";
  const given = isUnknown ? /"([^"]+)"/.exec(error.message)?.[1] : undefined;
  if (!isUnknown || given === undefined) throw error;
  const functions = await listFunctions(api()).catch(() => {
    throw error;
  });
  const meant = closestWord(
    given,
    functions.map(({ name }) => name),
  );
  if (meant === undefined) throw error;
  const { status, document } = error;
  throw new ApiProblem(status, { ...document, detail: `${error.message} Did you mean "${meant}"?` });
}
