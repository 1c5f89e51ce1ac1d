import { pipeline } from "node:stream/promises";
import { requireScope } from "../../../http/access/principal.ts";
import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem } from "../../../platform/problems.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import type { OpenRepository } from "../../git/homes/home.ts";
import { Capabilities } from "../../git/program/capabilities.ts";
import { watchAnswer } from "../../git/program/client-pace.ts";
import { type GitService, serveBackend } from "../../git/program/http-backend.ts";
import { restOfBody } from "../../git/program/rest-of-body.ts";
import { PushSession } from "../../git/push/push-session.ts";
import type { RepositoryWork } from "../../git/repositories.ts";
import { emptyState } from "../../git/repository.ts";
import { hostsOf } from "../deploy-function.ts";
import { baseUrl, type Call, type Handler, type Services } from "../services.ts";
import { gitError } from "./git-request.ts";
import {
  noRepository,
  requireMembers,
  requireRepository,
  rethrowUnlessFree,
  signalOf,
} from "./repository-access.ts";

/** `GET /git/NAME.git/info/refs?service=`: the refs, which begin a clone, a fetch or a push. */
export function advertiseRefs(services: Services): Handler {
  return async (ctx) => {
    const service = new URLSearchParams(ctx.querystring).get("service");
    if (service !== "git-upload-pack" && service !== "git-receive-pack") {
      const detail = "Only the smart protocol of git is served: use git 1.6.6 or newer.";
      throw new Problem("forbidden", detail);
    }
    const signal = signalOf(ctx, services);
    const name = repositoryName(ctx);
    const { principal } = ctx.state;
    const isFetch = service === "git-upload-pack";
    requireScope(principal, isFetch ? "read" : "deploy", isFetch ? "A clone" : "A push");
    await requireRepository(principal, name, services);
    await services.repositories.serve(ctx.state.by, signal, async () => {
      const work = await openFor(service, name, { services, signal });
      try {
        requireMembers(principal, name, work.repository.state);
        if (Capabilities.areAsked(service, ctx.req.headers["git-protocol"])) {
          const { capabilities, repository } = work;
          const { status, fields, body } = await capabilities.read({ repository: repository.path, signal });
          ctx.status = status;
          ctx.set(Object.fromEntries(fields));
          ctx.body = body;
          return;
        }
        await answer(ctx, work, { path: "info/refs", query: `service=${service}`, signal });
      } finally {
        await work.repository.release();
      }
    });
  };
}

/** `POST /git/NAME.git/git-upload-pack`: a clone or a fetch. */
export function uploadPack(services: Services): Handler {
  return async (ctx) => {
    const signal = signalOf(ctx, services);
    const name = repositoryName(ctx);
    await requireRepository(ctx.state.principal, name, services);
    await services.repositories.serve(ctx.state.by, signal, async () => {
      const tools = await services.repositories.tools();
      const repository = await tools.home.open(name);
      if (repository === undefined) throw noRepository(name);
      const request = services.repositories.live.begin(name);
      try {
        await answer(ctx, { ...tools, repository }, { path: "git-upload-pack", query: "", signal });
      } finally {
        services.repositories.live.end(request);
      }
    });
  };
}

/** `POST /git/NAME.git/git-receive-pack`: a push. */
export function receivePack(services: Services): Handler {
  return async (ctx) => {
    const signal = signalOf(ctx, services);
    const name = repositoryName(ctx);
    ctx.state.audited = { target: name };
    await requireRepository(ctx.state.principal, name, services);
    await checkLength(ctx, services);
    await services.repositories.serve(ctx.state.by, signal, async () => {
      const work = await openFor("git-receive-pack", name, { services, signal });
      const { principal } = ctx.state;
      const session = new PushSession(services, {
        ...{ name, principal, signal, opened: work.repository },
        baseUrl: baseUrl(services, ctx),
        reachedAt: hostsOf(ctx.req.headers),
      });
      try {
        requireMembers(principal, name, work.repository.state);
        await session.begin();
        await answer(ctx, work, {
          path: "git-receive-pack",
          query: "",
          mostBytes: services.limits.pushBytes,
          signal,
          session,
        });
      } finally {
        try {
          await session.end();
        } finally {
          await work.repository.release();
        }
      }
      // Git sends an empty push to learn whether it may send a large one.
      const isEmpty = !session.isDecided && ctx.req.headers["content-length"] === EMPTY_PUSH_BYTES;
      ctx.state.audited = isEmpty ? { isNothing: true } : { target: name, detail: session.detail };
    });
  };
}

/** A flush packet alone. */
const EMPTY_PUSH_BYTES = "4";

interface Answering {
  readonly path: string;
  readonly query: string;
  /** Of a body that git does not read to its end. */
  readonly mostBytes?: number;
  readonly signal: AbortSignal;
  readonly session?: PushSession;
}

/** Resolves when git has ended and the answer is sent, or its client is too slow. */
async function answer(
  ctx: Call,
  { git, backend, hooks, repository }: RepositoryWork,
  { path, query, mostBytes = 0, signal, session }: Answering,
): Promise<void> {
  const slow = new AbortController();
  const onSlow = (problem: Problem) => slow.abort(problem);
  const ended = AbortSignal.any([signal, slow.signal]);
  const { status, fields, body, started } = await serveBackend(git, {
    backend,
    repository: repository.path,
    path,
    query,
    request: ctx.req,
    by: ctx.state.by,
    onSlow,
    signal: ended,
    ...(session === undefined ? {} : { hooks }),
  });
  const hooked = session?.serve(started.channel!);
  ctx.respond = false;
  const { res } = ctx;
  res.statusCode = status;
  for (const [name, value] of fields) res.setHeader(name, value);
  const unwatch = watchAnswer(res, onSlow);
  // A client that left needs no answer.
  await pipeline(body, res, { end: false, signal: ended }).catch(() => body.destroy());
  unwatch();
  // The client reads errors of git in the answer.
  await started.ended.catch(() => {});
  await hooked;
  // A client that sees the end of its push sees the refs of it.
  await session?.settle();
  if (slow.signal.aborted) return dismiss(ctx, slow.signal.reason as Problem);
  await restOfBody(ctx.req, mostBytes);
  res.end();
}

/** Says why a request ended whose client is too slow, and closes the connection. */
function dismiss({ path, req, res }: Call, problem: Problem): void {
  if (res.writableNeedDrain) res.destroy();
  else res.end(gitError(path, problem)?.body, () => req.destroy());
}

async function openFor(
  service: GitService,
  name: string,
  { services, signal }: { readonly services: Services; readonly signal: AbortSignal },
): Promise<RepositoryWork> {
  const { repositories } = services;
  if (service === "git-upload-pack") return repositories.read(name, signal);
  try {
    return await repositories.read(name, signal);
  } catch (error) {
    await rethrowUnlessFree(error, name, services);
    const tools = await repositories.tools();
    const repository: OpenRepository = await tools.home.create(name, emptyState());
    return { ...tools, repository };
  }
}

/** @throws Problem `invalid_name` */
function repositoryName({ params }: Call): string {
  return checkFunctionName(params.repository!.replace(/\.git$/, ""));
}

/** @throws Problem `push_too_large`; git itself counts the bytes of a push without a length */
async function checkLength({ req }: Call, { limits: { pushBytes } }: Services): Promise<void> {
  const bytes = Number(req.headers["content-length"] ?? 0);
  if (bytes <= pushBytes) return;
  await restOfBody(req, pushBytes);
  const detail = `The push has ${formatBytes(bytes)}, at most ${formatBytes(pushBytes)} (SKIFF_MAX_PUSH): push fewer commits at a time, leave large files out, or raise SKIFF_MAX_PUSH.`;
  throw new Problem("push_too_large", detail);
}
