import type { Installation } from "../installation.ts";

/** A call that a step made. */
export interface Seen {
  readonly run: string;
  readonly step: string;
  /** Idempotency key. */
  readonly key: string;
  readonly got: unknown;
}

/** A function for steps, which answers what it got and records it. A call of `/slow` takes a second. One instance runs. */
const SOURCE = `
const seen = [];
export default async (request) => {
  const url = new URL(request.url);
  if (url.pathname.endsWith("/seen")) return Response.json(seen);
  const header = (name) => request.headers.get(name);
  const got = JSON.parse((await request.text()) || "null");
  const step = header("skiff-step");
  seen.push({ run: header("skiff-run"), step, key: header("idempotency-key"), got });
  if (url.pathname.endsWith("/slow")) await new Promise((resolve) => setTimeout(resolve, 1000));
  return Response.json({ step, got });
};
`;

/** Deploys the function, anew if there is one. */
export async function deployStep(skiff: Installation, name: string): Promise<void> {
  const { status, body } = await skiff.deploy(
    name,
    `// ${Date.now()}\n${SOURCE}`,
    "min=1&max=1&concurrency=100",
  );
  if (status !== 201) throw new Error(`${name} was not deployed: ${JSON.stringify(body)}`);
}

/** Every call that its instance got. */
export async function seen(skiff: Installation, name: string): Promise<readonly Seen[]> {
  return (await (await skiff.call(name, "/seen")).json()) as Seen[];
}
