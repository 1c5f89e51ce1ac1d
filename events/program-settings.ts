import { createHash } from "node:crypto";
import type { Access } from "../http/access/access.ts";

/** @throws Error if there is no token */
export function accessFrom({ SKIFF_ACCESS, SKIFF_TOKEN }: NodeJS.ProcessEnv, namespace: string): Access {
  if (SKIFF_ACCESS === "open") return { mode: "open" };
  if (!SKIFF_TOKEN) throw new Error("SKIFF_TOKEN is missing: set it to the token of the management API.");
  const command = `kubectl -n ${namespace} get secret skiff-token -o go-template='{{.data.token | base64decode}}'`;
  const whereabouts = `This prints the token of the management API, unless the managers have a variable SKIFF_TOKEN: ${command}`;
  return { mode: "token", tokenHash: createHash("sha256").update(SKIFF_TOKEN).digest("hex"), whereabouts };
}

/** @throws Error naming the variable if its text is no URL of an origin */
export function urlFrom(variable: string, text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" && url.pathname === "/") return url;
  throw new Error(`${variable}=${text} is not a URL such as http://skiff-router.skiff.svc: correct it.`);
}
