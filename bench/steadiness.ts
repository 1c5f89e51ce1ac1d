/** Checks for lost calls at redeploys, and limits of instances at a burst, of memory and of processes. */
import { median, ms, type Row } from "./tools/report.ts";
import type { SkiffProcess } from "./tools/skiff-process.ts";

const GIB = 1024 ** 3;
const STAYING = 5;

/** Redeploys ten times while 8 clients call without a pause. Every call must be answered with 200. */
export async function benchRedeploys(skiff: SkiffProcess): Promise<Row> {
  const source = (round: number) => `export default () => "round ${round}";\n`;
  await skiff.deploy("steady", source(0));
  let calls = 0;
  let lost = 0;
  let done = false;
  const client = async () => {
    while (!done) {
      calls++;
      const ok = await fetch(`${skiff.url}/fn/steady`).then(
        async (response) => (await response.text()).startsWith("round ") && response.status === 200,
        () => false,
      );
      if (!ok) lost++;
    }
  };
  const clients = Array.from({ length: 8 }, client);
  for (let round = 1; round <= 10; round++) {
    await skiff.deploy("steady", source(round));
    const text = await (await fetch(`${skiff.url}/fn/steady`)).text();
    if (text !== `round ${round}`) throw new Error(`after deploy ${round} the answer was ${text}`);
  }
  done = true;
  await Promise.all(clients);
  return {
    what: "10 redeploys under load",
    figure: `${lost} of ${calls} calls lost`,
    target: "0",
    met: lost === 0,
  };
}

/** Makes 500 calls at once to a function without an instance. */
export async function benchColdBurst(skiff: SkiffProcess): Promise<Row> {
  const source = `export default async () => { await new Promise((go) => setTimeout(go, 50)); return "hi"; };\n`;
  await skiff.deploy("burst", source, "idle=200ms&concurrency=100&max=10");
  await skiff.stopped("burst");
  let most = 0;
  let done = false;
  const observer = (async () => {
    while (!done) most = Math.max(most, (await skiff.describe("burst")).instances.length);
  })();
  const statuses = await Promise.all(
    Array.from({ length: 500 }, () =>
      fetch(`${skiff.url}/fn/burst`).then((r) => r.text().then(() => r.status)),
    ),
  );
  done = true;
  await observer;
  const answered = statuses.filter((status) => status === 200).length;
  const figure = `${answered} answered by ${most} instances`;
  return {
    what: "500 first calls at once",
    figure,
    target: "500 by at most 5",
    met: answered === 500 && most <= 5,
  };
}

/** Transfers 1 GiB from a function and 1 GiB to one, and samples the memory of the platform. */
export async function benchBulk(skiff: SkiffProcess): Promise<Row[]> {
  await skiff.deploy(
    "bulk",
    `const chunk = new Uint8Array(256 * 1024);
     export default async (request: Request) => {
       let bytes = 0;
       if (request.body) for await (const part of request.body) bytes += part.length;
       if (request.method === "POST") return String(bytes);
       let left = ${GIB};
       return new Response(new ReadableStream({
         type: "bytes",
         pull(controller) {
           if (left <= 0) return controller.close();
           controller.enqueue(chunk.slice());
           left -= chunk.length;
         },
       }));
     };\n`,
    "memory=512Mi",
  );
  const measure = async (what: string, transfer: () => Promise<number>): Promise<Row> => {
    const before = skiff.memoryMiB();
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, skiff.memoryMiB());
    }, 20);
    const startedAt = performance.now();
    const bytes = await transfer();
    const seconds = (performance.now() - startedAt) / 1_000;
    clearInterval(timer);
    if (bytes !== GIB) throw new Error(`${what}: ${bytes} bytes arrived`);
    const growth = most - before;
    const figure = `+${growth.toFixed(0)} MiB, ${(1024 / seconds).toFixed(0)} MiB/s`;
    return { what, figure, target: "under +64 MiB", met: growth < 64 };
  };
  const download = async () => {
    let bytes = 0;
    const { body } = await fetch(`${skiff.url}/fn/bulk`);
    for await (const part of body!) bytes += part.length;
    return bytes;
  };
  const upload = async () => {
    let left = GIB;
    const chunk = new Uint8Array(256 * 1024);
    const body = new ReadableStream({
      pull(controller) {
        if (left <= 0) return controller.close();
        controller.enqueue(chunk);
        left -= chunk.length;
      },
    });
    const options = { method: "POST", body, duplex: "half" } as RequestInit;
    return Number(await (await fetch(`${skiff.url}/fn/bulk`, options)).text());
  };
  // The first transfer allocates buffers and compiles code, so it does not count.
  await download();
  return [await measure("1 GiB out of a function", download), await measure("1 GiB into a function", upload)];
}

/** Measures 1,000 functions without calls. */
export async function benchManyFunctions(skiff: SkiffProcess): Promise<Row[]> {
  const count = 1_000;
  const before = skiff.memoryMiB();
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++)
      await skiff.deploy(`many-${i}`, `export default () => ${i};\n`, "idle=100ms");
  };
  await Promise.all([worker(), worker(), worker()]);
  const deadline = Date.now() + 20_000;
  // The compiler's service and the functions of earlier benchmarks stay.
  while (skiff.children() > STAYING && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const processes = skiff.children();
  const times: number[] = [];
  let listed = 0;
  for (let round = 0; round < 10; round++) {
    listed = 0;
    const startedAt = performance.now();
    let cursor: string | null = "";
    do {
      const page = await fetch(`${skiff.url}/func${cursor ? `?cursor=${cursor}` : ""}`);
      const { functions, next } = (await page.json()) as { functions: unknown[]; next: string | null };
      listed += functions.length;
      cursor = next;
    } while (cursor);
    times.push(performance.now() - startedAt);
  }
  const grown = ((skiff.memoryMiB() - before) * 1024) / count;
  return [
    {
      what: "list of 1,000 functions, all pages",
      figure: ms(median(times)),
      target: "under 100 ms",
      met: median(times) < 100,
    },
    { what: "functions listed", figure: String(listed) },
    {
      what: "processes when 1,000 functions are idle",
      figure: String(processes),
      target: `at most ${STAYING}`,
      met: processes <= STAYING,
    },
    { what: "memory per idle function", figure: `${grown.toFixed(1)} KiB` },
  ];
}
