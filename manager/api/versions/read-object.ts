import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { refuseOthers } from "../../deploys/route-rules.ts";
import { readJson } from "../read-json.ts";
import type { Call } from "../services.ts";

const BYTES = 64 * 1024;
const TYPES = ["application/merge-patch+json"];

/**
 * Reads a body that is a JSON object with known members.
 * @param members the members that it may have
 * @throws Problem `invalid_request`, and those of `readJson`
 */
export async function readObject(
  ctx: Call,
  members: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const value = await readJson(ctx.req, { maxBytes: BYTES, types: TYPES });
  if (!isRecord(value)) throw new Problem("invalid_request", "The body must be a JSON object.");
  refuseOthers(value, members, "The body");
  return value;
}
