import { text } from "node:stream/consumers";
import type { Task } from "../../task.ts";

/**
 * Answers git as a credential helper (gitcredentials(7)): the key of the Skiff, for its address alone. Git need not store or
 * erase anything.
 */
export async function answerCredential({ api, out, surroundings }: Task, operation: string): Promise<void> {
  const asked = await text(surroundings.stdin);
  if (operation !== "get") return;
  const { url, key } = api.place;
  const { protocol, host } = Object.fromEntries(asked.split("\n").map((line) => line.split("=", 2)));
  const place = new URL(url);
  if (key === undefined || `${protocol}:` !== place.protocol || host !== place.host) return;
  out.write(`username=skiff\npassword=${key}\n`);
}
