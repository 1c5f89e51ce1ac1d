import { Problem } from "../../platform/problems.ts";
import type { Home } from "./homes/home.ts";

/** Says why there is no repository with a name, and what to do. */
export async function unknownRepository(name: string, home: Home): Promise<Problem> {
  const owner = await home.ownerOf(name);
  const detail =
    owner === undefined
      ? `There is no repository "${name}" and no function with this name: push to it to create both.`
      : `The function "${name}" is in the repository "${owner}": use /git/${owner}.git.`;
  return new Problem("unknown_repository", detail);
}
