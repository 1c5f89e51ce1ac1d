/**
 * Run as `node deploying-platform.ts FOLDER ROUND`: a LocalPlatform that deploys without pause and prints
 * each deploy when it is acknowledged, until somebody kills it.
 */
import { limitsFromEnv } from "../../../platform/limits.ts";
import { LocalPlatform } from "../../../platform/local/local-platform.ts";
import { callFor } from "../instances/call-instance.ts";
import { publish, servingOf } from "./deploying.ts";
import { draftOf } from "./draft.ts";

const [dataFolder = "", round = ""] = process.argv.slice(2);
const looping = Promise.withResolvers<void>();
const platform = await LocalPlatform.open({
  dataFolder,
  limits: limitsFromEnv({}),
  onLine: (_, { text }) => {
    if (text === "looping") looping.resolve();
  },
});

// One that does not notice that its platform is gone: after it was published, because it must be ready once.
await publish(
  platform,
  draftOf("stubborn", `export default () => { console.log("looping"); for (;;); }; // ${round}`),
);
callFor(servingOf(platform, "stubborn")!.instances[0]!.address).catch(() => {});
await looping.promise;

async function deployOn(name: string): Promise<void> {
  for (let number = 0; ; number++) {
    const code = `export default () => "round ${round} number ${number}";`;
    const { version } = await publish(platform, draftOf(name, code));
    process.stdout.write(`${JSON.stringify({ name, version, code })}\n`);
  }
}

await Promise.all(["a", "b"].map(deployOn));
