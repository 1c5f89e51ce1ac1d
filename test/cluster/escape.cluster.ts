import assert from "node:assert/strict";
import type { Address } from "../../platform/platform.ts";
import { DATABASE_TOP, databaseAttempts } from "../sandbox/attempts/database-attempts.ts";
import {
  DESCRIPTOR_TOP,
  descriptorAttempts,
  kernelAttempts,
} from "../sandbox/attempts/descriptor-attempts.ts";
import { FILE_TOP, fileAttempts } from "../sandbox/attempts/file-attempts.ts";
import { LINK_TOP, linkAttempts } from "../sandbox/attempts/link-attempts.ts";
import { netAttempts } from "../sandbox/attempts/net-attempts.ts";
import { OWN_TOP, ownAttempts, socketAttempts } from "../sandbox/attempts/own-attempts.ts";
import { PROCESS_TOP, processAttempts, suicides } from "../sandbox/attempts/process-attempts.ts";
import { WASI_ATTEMPTS_TOP, wasiAttempts } from "../sandbox/attempts/wasi-attempts.ts";
import { type Attempt, expectedIn, moduleOf } from "../sandbox/stage.ts";
import { call } from "../support/instances/call-instance.ts";
import { publish, servingOf } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { ClusterPlatform } from "./cluster-platform.ts";

type Given = Readonly<Record<string, unknown>>;

interface Suite {
  readonly attempts: readonly Attempt[];
  readonly top?: string;
  /** What the attempts are told of the pod, and of what they try to reach. */
  readonly given: (address: Pod) => Given;
}

type Pod = Extract<Address, { host: string }>;

/** In a pod the rest of the container is what lies outside. */
const SUITES: Record<string, Suite> = {
  files: {
    attempts: fileAttempts,
    top: FILE_TOP,
    given: () => ({
      data: "/etc",
      secret: "/etc/passwd",
      scratch: "/scratch",
      otherScratch: "/other",
      pid: 1,
    }),
  },
  network: {
    attempts: netAttempts,
    given: ({ host, port }) => ({
      ...{ port, own: host, alias: "2130706433", outside: "/etc", scratch: "/scratch" },
      ...{ other: "/other/socket", self: "/work/socket" },
    }),
  },
  process: {
    attempts: processAttempts,
    top: PROCESS_TOP,
    // The process itself is number 1, and the only one.
    given: () => ({ pid: 2, otherPid: 2, scratch: "/scratch" }),
  },
};

/** The other kinds, which are told the same. */
const MORE = {
  links: { attempts: linkAttempts, top: LINK_TOP },
  wasi: { attempts: wasiAttempts, top: WASI_ATTEMPTS_TOP },
  databases: { attempts: databaseAttempts, top: DATABASE_TOP },
  descriptors: { attempts: descriptorAttempts, top: DESCRIPTOR_TOP },
  kernel: { attempts: kernelAttempts, top: DESCRIPTOR_TOP },
  sockets: { attempts: socketAttempts, top: OWN_TOP },
  own: { attempts: ownAttempts, top: OWN_TOP },
};
for (const [what, { attempts, top }] of Object.entries(MORE)) {
  SUITES[what] = {
    // What a link leads to in a pod is of the pod: the installation's tests look for what must not be there.
    attempts: attempts.filter(({ elsewhere }) => elsewhere?.pod?.source !== "."),
    top,
    given: () => ({
      ...{ data: "/etc", outside: "/etc", secret: "/etc/passwd", pid: 2, otherPid: 2, scratch: "/scratch" },
      ...{
        other: "/other/socket",
        otherScratch: "/other",
        otherBundle: "/other/bundle.mjs",
        self: "/work/socket",
      },
    }),
  };
}

describe("a function on the cluster, within Deno's flags", () => {
  let cluster: ClusterPlatform;
  before(async () => {
    cluster = await ClusterPlatform.open({ poolSize: 0 });
  });
  after(() => cluster.close());

  async function deploy(name: string, code: string): Promise<Pod> {
    await publish(cluster.platform, draftOf(name, code));
    const address = servingOf(cluster.platform, name)?.instances[0]?.address;
    assert.ok(address && "host" in address, `${name} has an instance`);
    return address;
  }

  const run = async (address: Address, title: string, given: Given = {}) =>
    (await call(address, { method: "POST", body: JSON.stringify({ title, given }) })).text;

  for (const [what, { attempts, top = "", given }] of Object.entries(SUITES)) {
    describe(`and its ${what}`, () => {
      let pod: Pod;
      before(async () => {
        pod = await deploy(`escape-${what}`, moduleOf(attempts, top));
      });
      after(() => cluster.platform.remove(`escape-${what}`));

      for (const attempt of attempts) {
        const { title } = attempt;
        it(title, async () => assert.match(await run(pod, title, given(pod)), expectedIn("pod", attempt)));
      }
    });
  }

  describe("and what ends its process", () => {
    let other: Pod;
    const answers = { title: "answers", code: "return Date.now() - performance.now()", expect: /./ };
    before(async () => {
      other = await deploy("other", moduleOf([answers], ""));
    });

    for (const attempt of suicides) {
      it(`ends nothing but itself with ${attempt.title}`, async () => {
        const startedAt = Number((await run(other, "answers")).slice("returned ".length));
        const mortal = await deploy("mortal", moduleOf([attempt], ""));
        const outcome = await run(mortal, attempt.title).catch((error: Error) => error.message);
        assert.match(outcome, expectedIn("pod", attempt));
        await cluster.platform.remove("mortal");
        const now = Number((await run(other, "answers")).slice("returned ".length));
        assert.ok(Math.abs(now - startedAt) < 1_000, "the other one is still the same process");
      });
    }
  });
});
