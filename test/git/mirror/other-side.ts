import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { PERSON } from "../support/person.ts";

/** Another git server on loopback, with Basic auth and one repository, `team/hello.git`. */
export class OtherSide {
  readonly folder = mkdtempSync(join(tmpdir(), "skiff-mirror-"));
  /** `user:password`. */
  password = "robot:hunter2";
  /** Credentials that requests had. */
  readonly seen = new Set<string>();
  /** Answers instead of git, if it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  requests = 0;
  readonly #work = join(this.folder, "work");
  readonly #server = createServer((request, response) => this.#serve(request, response));

  static async start(): Promise<OtherSide> {
    const other = new OtherSide();
    await new Promise<void>((resolve) => other.#server.listen(0, "127.0.0.1", resolve));
    mkdirSync(join(other.folder, "team"));
    other.git(["init", "-q", "--bare", "-b", "main", other.bare], other.folder);
    other.git(["config", "http.receivepack", "true"], other.bare);
    other.git(["clone", "-q", other.bare, other.#work], other.folder);
    other.git(["checkout", "-q", "-B", "main"]);
    return other;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The repository. */
  get bare(): string {
    return join(this.folder, "team/hello.git");
  }

  get url(): string {
    return `http://${this.host}/team/hello.git`;
  }

  /** Commits files and pushes them to a branch. Returns the commit. */
  push(
    files: Readonly<Record<string, string | Uint8Array>>,
    { branch = "main", force = false } = {},
  ): string {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.#work, path)), { recursive: true });
      writeFileSync(join(this.#work, path), content);
    }
    this.git(["add", "-A"]);
    this.git(["commit", "-q", "-m", `Change ${Object.keys(files).join(", ")}`]);
    this.git(["push", "-q", ...(force ? ["-f"] : []), "origin", `HEAD:${branch}`]);
    return this.git(["rev-parse", "HEAD"]);
  }

  /** Begins a history without a commit in common. */
  forget(): void {
    this.git(["checkout", "-q", "--orphan", `new-${this.requests}-${process.hrtime.bigint()}`]);
  }

  head(branch = "main"): string {
    return this.git(["rev-parse", branch], this.bare);
  }

  git(args: readonly string[], cwd = this.#work): string {
    const env = { PATH: process.env.PATH, HOME: this.folder, GIT_CONFIG_NOSYSTEM: "1", ...PERSON };
    return execFileSync("git", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    if (this.instead) {
      this.instead(request, response);
      return;
    }
    const [, sent = ""] = (request.headers.authorization ?? "").split(" ");
    const credentials = Buffer.from(sent, "base64").toString();
    this.seen.add(credentials);
    if (this.password !== "" && credentials !== this.password) {
      response.writeHead(401, { "www-authenticate": "Basic" }).end();
      return;
    }
    void this.#answer(request, response);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, "http://other");
    const body = Buffer.concat(await request.toArray());
    const input = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    const child = spawn("git", ["http-backend"], {
      env: {
        ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: this.folder, GIT_HTTP_EXPORT_ALL: "1" },
        ...{ PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1), REMOTE_USER: "robot" },
        ...{ REQUEST_METHOD: request.method, CONTENT_TYPE: request.headers["content-type"] ?? "" },
        CONTENT_LENGTH: String(input.length),
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      },
    });
    // Git may end before it has read the input.
    child.stdin.on("error", () => {}).end(input);
    const output = Buffer.concat(await child.stdout.toArray());
    const end = output.indexOf("\r\n\r\n");
    for (const line of output.subarray(0, end).toString().split("\r\n")) {
      const [name = "", value = ""] = line.split(": ");
      if (name === "Status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  }
}
