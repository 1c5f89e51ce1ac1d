import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Platform } from "../../../platform/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { call } from "../../support/instances/call-instance.ts";
import { instancesOf, servingOf } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import {
  TemporaryLocalPlatform,
  type TemporaryOptions,
} from "../../support/platform/temporary-local-platform.ts";
import { conformance } from "../conformance/conformance.ts";

const opened = new Map<Platform, TemporaryLocalPlatform>();

async function open(options?: TemporaryOptions): Promise<Platform> {
  const local = await TemporaryLocalPlatform.open(options);
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
  open: (limits = {}) => open({ limits }),
  dispose: async (platform) => opened.get(platform)!.close(),
  reopen: async (platform) => open({ dataFolder: opened.get(platform)!.dataFolder }),
  draft: (name, text, settings) => draftOf(name, printing(text), settings),
  failing: (name) => draftOf(name, `console.log("last words"); throw new Error("no");`),
  breakStarts: async (platform, name, version = servingOf(platform, name)!.version) => {
    const folder = join(opened.get(platform)!.dataFolder, "functions", name);
    const mine = readdirSync(folder).filter((each) => each.startsWith(`${version}-`));
    for (const each of mine) writeFileSync(join(folder, each, "bundle.mjs"), "throw 1;");
  },
  toZero: (platform, name, version) =>
    eventually(`${name} has no instance`, () => instancesOf(platform, name, version).length === 0),
  print: async (platform, name, text) => {
    await call(instancesOf(platform, name)[0]!.address, { path: `/${text}` });
  },
  answer: async (platform, name, version) =>
    (await call(instancesOf(platform, name, version)[0]!.address)).text,
});
