import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const TOKEN = "a-token-of-an-installation";

describe("skiff login", function () {
  this.timeout(60_000);
  let processes: CommandLine;
  let cli: CommandInProcess;
  beforeEach(() => {
    processes = new CommandLine();
    cli = processes.inProcess;
  });
  afterEach(() => processes.close());

  describe("with a key", () => {
    let skiff: StartedSkiff;
    before(async () => {
      skiff = await startedSkiff({ env: { SKIFF_TOKEN: TOKEN } });
    });
    after(() => skiff.close());

    it("keeps a key that Skiff knows, for that Skiff alone", async () => {
      const denied = await cli.run(["list", "--url", skiff.url]);
      assert.equal(denied.code, 5);
      assert.match(denied.stderr, /^error: .*\nGive a key with `skiff login`, or in SKIFF_KEY\.\n$/);
      assert.match(
        await cli.output(["login", skiff.url, "--name", "here"], { input: `${TOKEN}\n` }),
        /with the scopes/,
      );
      await cli.output(["list"]);
      await cli.output(["list", "--url", skiff.url]);
      const other = await cli.run(["list", "--url", skiff.url.replace("127.0.0.1", "localhost")]);
      assert.equal(other.code, 5, "the key went to another address");
      assert.match(await cli.output(["context"]), /^\* +here +\S+ +yes$/m);
      assert.ok(!(await cli.output(["context", "--json"])).includes(TOKEN));
    });

    it("keeps nothing that Skiff refuses", async () => {
      const refused = await cli.run(["login", skiff.url], { input: "sk_wrong_wrong" });
      assert.equal(refused.code, 5);
      assert.match(await cli.output(["context"]), /^$/);
      assert.equal((await cli.run(["login", skiff.url], { input: "" })).code, 2);
    });

    it("takes the key of the environment", async () => {
      await cli.output(["list"], { env: { SKIFF_URL: skiff.url, SKIFF_KEY: TOKEN } });
    });
  });

  it("logs in with the device flow of an OIDC issuer", async () => {
    const asked: string[] = [];
    const server: Server = createServer(async (request, response) => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const body = await text(request);
      const answer = (document: object, status = 200) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
      };
      asked.push(`${request.url} ${body}`);
      if (request.url === "/.well-known/openid-configuration") {
        const endpoints = { token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device` };
        return answer({ issuer: url, ...endpoints, jwks_uri: `${url}/jwks` });
      }
      if (request.url === "/device") {
        const codes = { device_code: "device", user_code: "ABCD-EFGH", interval: 1, expires_in: 60 };
        return answer({ ...codes, verification_uri: `${url}/activate` });
      }
      const tries = asked.filter((each) => each.startsWith("/token")).length;
      if (request.url === "/token") {
        if (tries === 1) return answer({ error: "authorization_pending" }, 400);
        return answer({ access_token: "head.body.signature", token_type: "bearer" });
      }
      const isRight = request.headers.authorization === "Bearer head.body.signature";
      return isRight ? answer({ by: "ada", scopes: ["deploy"] }) : answer({ detail: "no" }, 401);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { code, stdout, stderr } = await cli.run(["login", url, "--issuer", url, "--client-id", "skiff"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`^Open ${url}/activate and enter the code ABCD-EFGH\\.$`, "m"));
      assert.match(stdout, /as ada, with the scopes deploy\./);
      const file = JSON.parse(readFileSync(join(cli.folder, ".config/skiff/config.json"), "utf8"));
      assert.equal(file.contexts["127.0.0.1"].key, "head.body.signature");
      assert.equal((await cli.run(["login", url, "--issuer", url])).code, 2);
    } finally {
      server.close();
    }
  });
});
