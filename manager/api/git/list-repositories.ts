import { isFunctionName } from "../../../platform/function-name.ts";
import type { KeptRepository } from "../../git/homes/home.ts";
import { answerJson } from "../answer.ts";
import { cursorFromName, nameFromCursor } from "../cursor.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { maySee } from "./repository-access.ts";
import { repositorySummary } from "./repository-document.ts";

interface Page {
  readonly after: string | undefined;
  readonly limit: number;
}

/** `GET /git`: a page of repositories in order of name; with `function`, the one that a function belongs to. */
export function listRepositories(services: Services): Handler {
  const { limits } = services;
  const readers = {
    limit: wholeNumber(1, limits.pageSize, limits.pageSize),
    cursor: nameFromCursor(isFunctionName),
    function: (text: string | undefined) => text,
  };
  return async (ctx) => {
    const { limit, cursor: after, function: member } = readParameters(ctx, readers);
    // One more repository shows whether there is a next page.
    const page = { after, limit: limit + 1 };
    const found =
      member === undefined ? await listVisible(ctx, services, page) : await ownerOf(ctx, services, member);
    const shown = found.slice(0, limit);
    const next = found.length > limit ? cursorFromName(shown.at(-1)!.name) : null;
    answerJson(ctx, { repositories: shown.map((each) => repositorySummary(each, services, ctx)), next });
  };
}

/** Reads on while those that a key may not see leave the page short. */
async function listVisible(
  ctx: Call,
  { repositories, limits }: Services,
  { after, limit }: Page,
): Promise<readonly KeptRepository[]> {
  const visible: KeptRepository[] = [];
  let last = after;
  for (;;) {
    const size = ctx.state.principal.functions === undefined ? limit : limits.pageSize;
    const found = await repositories.list({ limit: size, ...(last === undefined ? {} : { after: last }) });
    visible.push(...found.filter((each) => maySee(ctx.state.principal, each)));
    if (visible.length >= limit || found.length < size) return visible.slice(0, limit);
    last = found.at(-1)!.name;
  }
}

async function ownerOf(
  ctx: Call,
  { repositories }: Services,
  member: string,
): Promise<readonly KeptRepository[]> {
  const { home } = await repositories.tools();
  const owner = isFunctionName(member) ? await home.ownerOf(member) : undefined;
  const repository = owner === undefined ? undefined : await home.find(owner);
  return repository !== undefined && maySee(ctx.state.principal, repository) ? [repository] : [];
}
