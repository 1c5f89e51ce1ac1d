import { isDeepStrictEqual } from "node:util";
import { checkDeclarationName, type Declared, isDeclarationName } from "../../../platform/declarations.ts";
import { faultText } from "../../../platform/events/spec-check.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { allObjects } from "../../files/all-objects.ts";
import { answerJson } from "../answer.ts";
import { cursorFromName, nameFromCursor } from "../cursor.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { declaredDocuments } from "./declared-document.ts";
import { type DeclaredKind, unknownDeclared } from "./declared-kind.ts";
import { readSpec } from "./read-spec.ts";
import { ifRevisionOf, revisionCondition } from "./revision-condition.ts";

/** Faults that an error names. */
const MOST_FAULTS = 5;
/** A change fails if others change the declaration this often between its read and its write. */
const TRIES = 5;

/** `PUT /topic/NAME` and the like: the body is the whole spec, as JSON or YAML. */
export function putDeclared(services: Services, kind: DeclaredKind): Handler {
  const { platform, limits } = services;
  const { declarations } = platform;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = ctx.params.name!;
    checkDeclarationName(kind.kind, name);
    const condition = revisionCondition(ctx);
    const spec = await readSpec(ctx.req, limits.specBytes);
    const faults = kind.check(spec);
    if (faults.length > 0 || !isRecord(spec))
      throw new Problem("invalid_declaration", faultText(faults.slice(0, MOST_FAULTS)));
    await refuseClash(services, kind, { name, spec });
    const before = await declarations.get(kind.kind, name);
    const ifRevision = ifRevisionOf(condition, before, `${kind.noun} "${name}"`);
    const declared = await declarations.put(kind.kind, name, { spec, ifRevision });
    await kind.afterPut?.(services, name, spec);
    const [created, unchanged] = [before === undefined, declared.revision === before?.revision];
    if (created) {
      ctx.status = 201;
      ctx.set("location", `/${kind.noun}/${name}`);
    }
    ctx.state.audited = { target: `${kind.noun}/${name}`, detail: changeOf(before, declared) };
    setTag(ctx, declared);
    const { createdAt, updatedAt } = declared;
    const more = kind.more?.(declared, services.keys.now());
    const warnings = [
      ...(kind.warnings?.(services, spec) ?? []),
      ...((await kind.putWarnings?.(services, spec)) ?? []),
    ];
    answerJson(ctx, {
      name,
      spec: declared.spec,
      ...more,
      createdAt,
      updatedAt,
      created,
      unchanged,
      warnings,
    });
  };
}

/** @throws Problem `invalid_declaration` if it does not go with what others are */
async function refuseClash(
  { platform }: Services,
  kind: DeclaredKind,
  { name, spec }: Pick<Declared, "name" | "spec">,
): Promise<void> {
  if (kind.clash === undefined) return;
  const others = (await allObjects(platform, kind)).filter((each) => each.name !== name);
  const detail = kind.clash(spec, others);
  if (detail !== undefined) throw new Problem("invalid_declaration", detail);
}

/** The members that changed, for the audit log. */
function changeOf(before: Declared | undefined, { spec }: Declared): string {
  if (before === undefined) return "created";
  const names = new Set([...Object.keys(before.spec), ...Object.keys(spec)]);
  const changed = [...names].filter((name) => !isDeepStrictEqual(before.spec[name], spec[name]));
  return changed.length === 0 ? "unchanged" : changed.join(" ");
}

/** `GET /subscription/NAME` and the like. */
export function describeDeclared(services: Services, kind: DeclaredKind): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const declared = await requireDeclared(services, kind, ctx.params.name!);
    setTag(ctx, declared);
    const [document] = await declaredDocuments(services, kind, [declared]);
    answerJson(ctx, document);
  };
}

/** `GET /subscription` and the like: a page in order of name. */
export function listDeclared(services: Services, kind: DeclaredKind): Handler {
  const { platform, limits } = services;
  const readers = pageReaders(limits.pageSize);
  return async (ctx) => {
    const { limit, cursor: after } = readParameters(ctx, readers);
    const found = await platform.declarations.list(kind.kind, { after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const documents = await declaredDocuments(services, kind, page);
    const next = found.length > limit ? cursorFromName(page.at(-1)!.name) : null;
    answerJson(ctx, { [kind.plural]: documents, next });
  };
}

export function pageReaders(most: number) {
  return { limit: wholeNumber(1, most, most), cursor: nameFromCursor(isDeclarationName) };
}

/** `DELETE /topic/NAME` and the like. */
export function removeDeclared(services: Services, kind: DeclaredKind): Handler {
  const { declarations } = services.platform;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = ctx.params.name!;
    const condition = revisionCondition(ctx);
    if (condition === null) throw new Problem("invalid_request", "If-None-Match has no meaning for DELETE.");
    const before = await requireDeclared(services, kind, name);
    const ifRevision = ifRevisionOf(condition, before, `${kind.noun} "${name}"`) ?? undefined;
    if (!(await declarations.remove(kind.kind, name, { ifRevision }))) throw unknownDeclared(kind, name);
    await kind.afterRemoval?.(services, name);
    answerJson(ctx, { success: true });
  };
}

/** `POST /subscription/NAME/pause` and `/resume`, also of a schedule. */
export function pauseDeclared(services: Services, kind: DeclaredKind, isPaused: boolean): Handler {
  const { declarations } = services.platform;
  return async (ctx) => {
    readParameters(ctx, {});
    refusePrecondition(ctx);
    const name = ctx.params.name!;
    for (let attempt = 1; ; attempt++) {
      const before = await requireDeclared(services, kind, name);
      const { paused: _, ...rest } = before.spec;
      const spec = isPaused ? { ...rest, paused: true } : rest;
      try {
        const declared = await declarations.put(kind.kind, name, { spec, ifRevision: before.revision });
        setTag(ctx, declared);
        return answerJson(ctx, { name, spec: declared.spec, updatedAt: declared.updatedAt });
      } catch (error) {
        const isRaced = error instanceof Problem && error.code === "precondition_failed";
        if (!isRaced || attempt === TRIES) throw error;
      }
    }
  };
}

/** @throws Problem `unknown_topic` and the like, also for a name that is not valid */
export async function requireDeclared(
  services: Services,
  kind: DeclaredKind,
  name: string,
): Promise<Declared> {
  const { declarations } = services.platform;
  const declared = isDeclarationName(name) ? await declarations.get(kind.kind, name) : undefined;
  if (declared === undefined) throw unknownDeclared(kind, name);
  return declared;
}

/**
 * As `requireDeclared`, with a valid spec.
 * @throws Problem `invalid_declaration`
 */
export async function requireValid(services: Services, kind: DeclaredKind, name: string): Promise<Declared> {
  const declared = await requireDeclared(services, kind, name);
  const faults = kind.check(declared.spec);
  if (faults.length === 0) return declared;
  const detail = `What is stored of the ${kind.noun} "${name}" is not valid: ${faultText(faults.slice(0, MOST_FAULTS))}`;
  throw new Problem("invalid_declaration", detail);
}

function setTag(ctx: Call, { revision }: Declared): void {
  ctx.set("etag", `"${revision}"`);
}
