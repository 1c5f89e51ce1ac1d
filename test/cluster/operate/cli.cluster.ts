import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { eventually } from "../../support/eventually.ts";
import { CommandLine } from "../../support/skiff/command-line.ts";
import { Installation } from "../installation.ts";

const NAME = "cli-hello";
const answering = (text: string) =>
  `export default () => {\n  console.log("printed");\n  return "${text}";\n};\n`;

/** Sends calls to the routers and the rest to the managers, as the Ingress of kubernetes.yaml does. */
function ingressOf({ manager, router }: Installation): Server {
  return createServer((incoming, outgoing) => {
    const target = incoming.url?.startsWith("/fn/") ? router : manager;
    const { method = "GET", headers } = incoming;
    const forwarded = request(`${target}${incoming.url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      outgoing.flushHeaders();
      pipeline(answer, outgoing, () => {});
    });
    forwarded.on("error", () => outgoing.destroy());
    pipeline(incoming, forwarded, () => {});
  });
}

describe("the command skiff on the cluster", () => {
  let installation: Installation;
  let ingress: Server;
  let cli: CommandLine;

  before(async () => {
    installation = await Installation.install();
    ingress = ingressOf(installation);
    await new Promise<void>((resolve) => ingress.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(ingress.address() as AddressInfo).port}`;
    cli = new CommandLine({ SKIFF_URL: url, SKIFF_KEY: installation.token });
    if ((await installation.remove(NAME)) === 200) await installation.nothingIsLeft(NAME);
  });
  after(async () => {
    await cli.close();
    await installation.remove(NAME);
    ingress.closeAllConnections();
    ingress.close();
    await installation.close();
  });

  const deploy = (text: string, ...options: string[]) => {
    writeFileSync(join(cli.folder, `${NAME}.ts`), answering(text));
    return cli.output(["deploy", `${NAME}.ts`, ...options]);
  };

  it("deploys, calls, describes and lists a function", async () => {
    await deploy("one", "--message", "The first");
    assert.equal(await cli.output(["call", NAME]), "one");
    assert.match(await cli.output(["describe", NAME]), /^state: +can be called/m);
    assert.match(await cli.output(["list"]), new RegExp(`^${NAME} +1 `, "m"));
  });

  it("prints its log and follows it", async () => {
    await eventually(
      "the line is there",
      async () => / printed$/m.test(await cli.output(["logs", NAME])),
      30_000,
    );
    const following = cli.start(["logs", NAME, "-f", "--tail", "0"]);
    await eventually(
      "a new line is there",
      async () => {
        await cli.output(["call", NAME]);
        return following.result.stdout.includes(" printed");
      },
      30_000,
    );
  });

  it("lists, shares and rolls back versions", async () => {
    await deploy("two", "--traffic", "0");
    assert.equal(await cli.output(["call", `${NAME}@2`]), "two");
    assert.match(await cli.output(["traffic", NAME, "2"]), /^version 2: +100 %/);
    assert.equal(await cli.output(["call", NAME]), "two");
    await cli.output(["rollback", NAME]);
    assert.equal(await cli.output(["call", NAME]), "one");
    assert.match(await cli.output(["versions", NAME]), /^1 +100 % .* The first$/m);
  });

  it("shows build errors, and removes the function", async () => {
    writeFileSync(join(cli.folder, `${NAME}.ts`), "export default () => {\n");
    const { code, stderr } = await cli.run(["deploy", `${NAME}.ts`]);
    assert.equal(code, 3);
    assert.match(stderr, new RegExp(`^error: ${NAME}\\.ts:2:1: `));
    await cli.output(["delete", NAME]);
    assert.equal((await cli.run(["call", NAME])).code, 4);
  });
});
