import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Platform } from "../../../platform/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { call } from "../../support/instances/call-instance.ts";
import { servingOf } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../support/platform/temporary-local-platform.ts";
import { conformance } from "../conformance/conformance.ts";

const opened = new Map<Platform, TemporaryLocalPlatform>();

async function open(dataFolder?: string): Promise<Platform> {
  const local = await TemporaryLocalPlatform.open(dataFolder === undefined ? {} : { dataFolder });
  opened.set(local.platform, local);
  return local.platform;
}

const printing = (text: string) => `
  export default (request) => {
    const path = new URL(request.url).pathname;
    if (path !== "/") console.log(path.slice(1));
    return ${JSON.stringify(text)};
  };`;

conformance("the local platform", {
  abilities: { scalesOut: true, scalesToZero: true, runsCode: true, durable: true },
  open: () => open(),
  dispose: async (platform) => opened.get(platform)!.close(),
  reopen: async (platform) => open(opened.get(platform)!.dataFolder),
  draft: (name, text, settings) => draftOf(name, printing(text), settings),
  failing: (name) => draftOf(name, `console.log("last words"); throw new Error("no");`),
  breakStarts: async (platform, name) => {
    const folder = join(opened.get(platform)!.dataFolder, "functions", name);
    for (const version of readdirSync(folder)) writeFileSync(join(folder, version, "bundle.mjs"), "throw 1;");
  },
  toZero: (platform, name) =>
    eventually(`${name} has no instance`, () => servingOf(platform, name)?.instances.length === 0),
  print: async (platform, name, text) => {
    await call(servingOf(platform, name)!.instances[0]!.address, { path: `/${text}` });
  },
  answer: async (platform, name) => (await call(servingOf(platform, name)!.instances[0]!.address)).text,
});
