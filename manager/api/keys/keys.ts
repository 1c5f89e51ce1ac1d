import { Problem, unknownKey } from "../../../platform/problems.ts";
import { parseDurationMs } from "../../../platform/quantity.ts";
import { readKeyPatch, readNewKey } from "../../access/key-patch.ts";
import type { StoredKey } from "../../access/key-registry.ts";
import { answerJson } from "../answer.ts";
import { cursorFromName, nameFromCursor } from "../cursor.ts";
import { readJson } from "../read-json.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { keyCondition } from "./key-condition.ts";
import { keyDocument } from "./key-document.ts";

const BODY_BYTES = 64 * 1024;
const PATCH_TYPES = ["application/merge-patch+json"];
const OVERLAP_MS = 24 * 3_600_000;
const LONGEST_OVERLAP_MS = 90 * OVERLAP_MS;
const ID = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** `POST /key`: creates a key and shows it, for the only time. */
export function createKey(services: Services): Handler {
  const { registry, now } = services.keys;
  return async (ctx) => {
    readParameters(ctx, {});
    refusePrecondition(ctx);
    const given = readNewKey(await readJson(ctx.req, { maxBytes: BODY_BYTES }), now());
    const { stored, text } = await registry.create({ ...given, createdBy: String(ctx.state.by) });
    ctx.state.audited = { target: `key/${stored.id}`, detail: `${given.name}: ${given.scopes.join(" ")}` };
    ctx.status = 201;
    ctx.set("location", `/key/${stored.id}`);
    setTag(ctx, stored);
    answerJson(ctx, { ...keyDocument(stored, { nowMs: now() }), key: text });
  };
}

/** `GET /key`: a page of keys in order of id. */
export function listKeys({ keys, limits }: Services): Handler {
  const { registry, uses, now } = keys;
  const most = limits.pageSize;
  const readers = { limit: wholeNumber(1, most, most), cursor: nameFromCursor((text) => ID.test(text)) };
  return async (ctx) => {
    const { limit, cursor } = readParameters(ctx, readers);
    const [found, used] = await Promise.all([registry.list({ after: cursor, limit: limit + 1 }), uses.all()]);
    const page = found.slice(0, limit);
    const shown = page.map((each) => keyDocument(each, { nowMs: now(), usedAt: used.get(each.id) }));
    answerJson(ctx, { keys: shown, next: found.length > limit ? cursorFromName(page.at(-1)!.id) : null });
  };
}

/** `GET /key/ID` */
export function describeKey({ keys }: Services): Handler {
  const { registry, uses, now } = keys;
  return async (ctx) => {
    readParameters(ctx, {});
    const id = ctx.params.id!;
    const [found, used] = await Promise.all([registry.get(id), uses.all()]);
    if (found === undefined) throw unknownKey(id);
    setTag(ctx, found);
    answerJson(ctx, keyDocument(found, { nowMs: now(), usedAt: used.get(id) }));
  };
}

/** `PATCH /key/ID`: the body is a JSON merge patch (RFC 7396) of name, scopes, functions, expiry and quota. */
export function changeKey({ keys }: Services): Handler {
  const { registry, uses, now } = keys;
  return async (ctx) => {
    readParameters(ctx, {});
    const id = ctx.params.id!;
    const condition = keyCondition(ctx);
    const body = await readJson(ctx.req, { maxBytes: BODY_BYTES, types: PATCH_TYPES });
    const patch = readKeyPatch(body, now());
    const changed = await registry.change(id, patch, condition);
    setTag(ctx, changed);
    ctx.state.audited = { target: `key/${id}`, detail: Object.keys(patch).join(" ") };
    answerJson(ctx, keyDocument(changed, { nowMs: now(), usedAt: (await uses.all()).get(id) }));
  };
}

/** `POST /key/ID/rotate?overlap=24h`: a new secret, shown for the only time; the one before stays valid for a while. */
export function rotateKey({ keys }: Services): Handler {
  const { registry, now } = keys;
  return async (ctx) => {
    const { overlap: overlapMs } = readParameters(ctx, { overlap: readOverlap });
    const id = ctx.params.id!;
    const { stored, text } = await registry.rotate(id, overlapMs, keyCondition(ctx));
    setTag(ctx, stored);
    ctx.state.audited = { target: `key/${id}`, detail: `the secret before ends in ${overlapMs / 1_000} s` };
    answerJson(ctx, { ...keyDocument(stored, { nowMs: now() }), key: text });
  };
}

/** `DELETE /key/ID`: answers when this process refuses the key; routers follow within a second. */
export function revokeKey({ keys }: Services): Handler {
  const { registry, uses } = keys;
  return async (ctx) => {
    readParameters(ctx, {});
    const id = ctx.params.id!;
    if (!(await registry.revoke(id, keyCondition(ctx)))) throw unknownKey(id);
    uses.forget(id);
    ctx.state.audited = { target: `key/${id}`, detail: "" };
    answerJson(ctx, { success: true });
  };
}

function setTag(ctx: Call, { revision }: StoredKey): void {
  ctx.set("etag", `"${revision}"`);
}

function readOverlap(text: string | undefined): number {
  if (text === undefined) return OVERLAP_MS;
  const ms = text === "" ? undefined : parseDurationMs(text);
  if (ms !== undefined && ms <= LONGEST_OVERLAP_MS) return ms;
  const detail = `overlap=${text.slice(0, 40)} is not a duration from 0 to 90 days: use one such as 24h.`;
  throw new Problem("invalid_request", detail);
}
