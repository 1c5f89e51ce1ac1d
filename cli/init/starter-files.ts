const MAIN = `import type { Context } from "./context.ts";

export default (request: Request, context: Context) => {
  const name = new URL(request.url).searchParams.get("name") ?? Deno.env.get("GREETED") ?? "world";
  console.log("greeting", name);
  return { hello: name, version: context.function.version };
};
`;

const TEST = `import { deepEqual } from "node:assert/strict";
import type { Context } from "./context.ts";
import greet from "./main.ts";

const context = { function: { name: "test", version: 1 } } as Context;

Deno.test("greets by name", () => {
  const answer = greet(new Request("http://localhost/?name=Ada"), context);
  deepEqual(answer, { hello: "Ada", version: 1 });
});
`;

const CONTEXT = `/** The second argument of a function. */
export interface Context {
  /** Keeps the instance alive until the promise settles, also after the response. */
  waitUntil(promise: Promise<unknown>): void;
  readonly callId: string;
  readonly function: { readonly name: string; readonly version: number };
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
  /** Address of the client, in the form of Deno.serve's second argument. */
  readonly remoteAddr: { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
  /** Resolves when the response was delivered, and rejects if it cannot be delivered. */
  readonly completed: Promise<void>;
  /** The path before that of \`request.url\`, such as \`/fn/NAME\`; empty at the root of a host. For links and redirects. */
  readonly basePath: string;
}
`;

const SETTINGS = `# Settings of the function, kept with its code. The command line of a deploy overrides them.
memory: 128Mi
timeout: 30s
# Where it may connect to: public, hosts, addresses, or none.
net: [public]
# env:
#   GREETED: world
`;

/** Returns the files of a new function by their names. */
export function moduleFiles(): Readonly<Record<string, string>> {
  return { "main.ts": MAIN, "context.ts": CONTEXT, "main_test.ts": TEST, "skiff.yaml": SETTINGS };
}
