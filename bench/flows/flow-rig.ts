import { SkiffProcess } from "../tools/skiff-process.ts";

/** A function that answers at once with the input, and is warm. */
export const ECHO = `export default async (request) => Response.json(await request.json());`;

export async function putFlow({ url }: SkiffProcess, name: string, definition: object): Promise<void> {
  const response = await fetch(`${url}/flow/${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ flow: name, ...definition }),
  });
  if (!response.ok) throw new Error(`flow ${name}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** Runs a flow and waits for its output. */
export async function runFlow({ url }: SkiffProcess, name: string, input: unknown = {}): Promise<unknown> {
  return await posted(`${url}/flow/${name}/run?wait=5m`, input);
}

export async function call({ url }: SkiffProcess, name: string, input: unknown = {}): Promise<unknown> {
  return await posted(`${url}/fn/${name}`, input);
}

async function posted(url: string, input: unknown): Promise<unknown> {
  const body = JSON.stringify(input);
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** Runs `work` so many times, `atOnce` at a time; returns the milliseconds of all of it. */
export async function timed(
  times: number,
  atOnce: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  const beganMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, times) }, async () => {
      while (next < times) await work(next++);
    }),
  );
  return performance.now() - beganMs;
}

/** Starts Skiff with the function `echo`, warm. */
export async function startedWithEcho(env: Record<string, string> = {}): Promise<SkiffProcess> {
  const skiff = await SkiffProcess.start(env);
  await skiff.deploy("echo", ECHO, "min=1&max=2&concurrency=200&memory=256");
  for (let round = 0; round < 50; round++) await call(skiff, "echo");
  return skiff;
}

export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1]!;
}
