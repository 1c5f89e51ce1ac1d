import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { Listener } from "./attempts/listener.ts";
import { netAttempts } from "./attempts/net-attempts.ts";
import { type Deployed, itIsRefused, Stage } from "./stage.ts";

for (const isolation of ["auto", "permissions"] as const) {
  describe(`the network of a function, with isolation ${isolation}`, () => {
    let stage: Stage;
    let neighbour: Listener;
    let trial: Deployed;
    let given: Record<string, unknown>;

    before(async () => {
      stage = await Stage.open(isolation);
      neighbour = await Listener.open();
      const other = await stage.publish("other", "export default () => 'other'");
      trial = await stage.deploy("escape", netAttempts);
      const { port } = neighbour;
      const { socket: self, scratch } = trial;
      given = {
        port,
        alias: loopbackAlias(),
        own: ownAddress(),
        outside: stage.dataFolder,
        other: other.socket,
      };
      given = { ...given, self, scratch };
    });

    after(async () => {
      await stage.close();
      await neighbour.close();
    });

    afterEach(() => assert.equal(neighbour.seen, 0, "the neighbour on loopback was reached"));

    itIsRefused(netAttempts, (title) => trial.run(title, given));
  });
}

/** A name other than localhost that resolves to loopback: of the hosts file, or a number that is one. */
function loopbackAlias(): string {
  const names = readFileSync("/etc/hosts", "utf8").matchAll(/^127\.0\.0\.1\s+(\S+)/gm);
  return [...names].map((match) => match[1]!).find((name) => name !== "localhost") ?? "2130706433";
}

/** An IPv4 address of this machine; one that is private anyway if it has none but loopback. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "10.0.0.1";
}
