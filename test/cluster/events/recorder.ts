import type { Installation } from "../installation.ts";

/** Attempts by the id of a call, or of an event and its subscription, in the order in which they ran. */
export type Recorded = Readonly<Record<string, readonly number[]>>;

/**
 * A function that records which calls and events it got. Runs in one instance, which nothing in these tests ends. With
 * `fail=0.1` in the query of `/settings`, that share of attempts fails.
 */
const SOURCE = `
const recorded = {};
let fail = 0;
export default (request) => {
  const url = new URL(request.url);
  if (url.pathname.endsWith("/recorded")) return Response.json(recorded);
  if (url.pathname.endsWith("/settings")) {
    fail = Number(url.searchParams.get("fail"));
    return new Response("ok");
  }
  const id = request.headers.get("ce-id") ?? request.headers.get("skiff-call");
  (recorded[id] ??= []).push(Number(request.headers.get("skiff-attempt")));
  return new Response(null, { status: Math.random() < fail ? 503 : 204 });
};
`;

/** Deploys a recorder, anew if there is one. */
export async function deployRecorder(skiff: Installation, name: string): Promise<void> {
  const settings = "min=1&max=1&concurrency=100&attempts=20&backoff=200ms";
  const { status, body } = await skiff.deploy(name, `// ${Date.now()}\n${SOURCE}`, settings);
  if (status !== 201) throw new Error(`${name} was not deployed: ${JSON.stringify(body)}`);
}

export async function recorded(skiff: Installation, name: string): Promise<Recorded> {
  const response = await skiff.call(name, "/recorded");
  return (await response.json()) as Recorded;
}

/** Ids of calls or events that ran twice with the same attempt number, or with a lower one later. */
export function repeated(all: Recorded): string[] {
  return Object.entries(all)
    .filter(([, attempts]) => attempts.some((each, index) => index > 0 && each <= attempts[index - 1]!))
    .map(([id, attempts]) => `${id}: ${attempts}`);
}
