import { spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { readCgiHead } from "../../manager/git/program/cgi-head.ts";

/** A server of one repository that does nothing but run `git http-backend`: the floor of what git costs over HTTP. */
export class PlainServer {
  readonly url: string;
  readonly #server: Server;

  /** @param repository a bare repository, whose hook prints a line for each push */
  static async start(repository: string): Promise<PlainServer> {
    const hook = join(repository, "hooks", "pre-receive");
    writeFileSync(hook, "#!/bin/sh\necho received\n");
    chmodSync(hook, 0o755);
    const server = createServer((request, response) => void serve(repository, request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new PlainServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/plain.git`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function serve(repository: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url!, "http://127.0.0.1");
  const { headers, method } = request;
  const env = {
    PATH: process.env.PATH,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.receivepack",
    GIT_CONFIG_VALUE_0: "true",
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_TRANSLATED: pathname.replace("/plain.git", repository),
    REQUEST_METHOD: method,
    QUERY_STRING: search.slice(1),
    CONTENT_TYPE: headers["content-type"],
    CONTENT_LENGTH: headers["content-length"],
    HTTP_CONTENT_ENCODING: headers["content-encoding"],
    GIT_PROTOCOL: headers["git-protocol"] as string | undefined,
  };
  const child = spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  request.pipe(child.stdin);
  const { status, fields } = await readCgiHead(child.stdout);
  response.writeHead(status, Object.fromEntries(fields));
  child.stdout.pipe(response);
}
