import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { withRepository } from "./repository-access.ts";
import { repositoryDocument } from "./repository-document.ts";

/** `GET /git/NAME`: the branch, the functions and the mirror of a repository. That of a function is made if there is none. */
export function describeRepository(services: Services): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const read = withRepository(ctx, services, ({ repository }) =>
      repositoryDocument(repository, services, ctx),
    );
    answerJson(ctx, await read);
  };
}
