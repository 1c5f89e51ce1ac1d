import type { KeptRepository, OpenRepository } from "../../git/homes/home.ts";
import type { Mirror } from "../../git/repository.ts";
import { baseUrl, type Call, type Services } from "../services.ts";

/** A repository in a list. */
export function repositorySummary(
  { name, state, head, updatedAt }: KeptRepository,
  services: Services,
  ctx: Call,
): Record<string, unknown> {
  return {
    ...{ name, url: `${baseUrl(services, ctx)}/git/${name}.git`, branch: state.branch, head: head ?? null },
    ...{ isGroup: state.isGroup, functions: Object.keys(state.functions).toSorted(), updatedAt },
  };
}

/** All that is known of a repository but its commits. */
export async function repositoryDocument(
  repository: OpenRepository,
  services: Services,
  ctx: Call,
): Promise<Record<string, unknown>> {
  const { functions, mirror } = repository.state;
  const members = Object.entries(functions).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...repositorySummary(repository, services, ctx),
    functions: members.map(([name, { path, version }]) => {
      // 0: no version has the source of the tip yet.
      const traffic = services.platform.endpoints(name)?.traffic ?? [];
      return { name, path, version: version === 0 ? null : version, traffic };
    }),
    bytes: await repository.bytes(),
    mirror: mirror === undefined ? null : mirrorDocument(repository.name, mirror, { services, ctx }),
  };
}

/** Names every member: what is added to a mirror may have to stay secret. */
export function mirrorDocument(
  name: string,
  mirror: Mirror,
  { services, ctx }: { readonly services: Services; readonly ctx: Call },
): Record<string, unknown> {
  const { url, direction, branch, secret, webhookSecret, last } = mirror;
  const webhook = webhookSecret && `${baseUrl(services, ctx)}/git/${name}/hook`;
  const ended = last && { at: new Date(last.at), commit: last.commit, error: last.error };
  return { url, direction, branch, secret, webhookSecret, webhook, last: ended ?? null };
}
