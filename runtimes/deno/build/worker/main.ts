/**
 * The program of a build worker. It parses the content of a source, with the esbuild that it starts. It reads tasks from
 * standard input, one at a time, answers on standard output, and ends with its input.
 */
import { encodeHeader, type Frame, FrameReader } from "../frames.ts";
import type { AnyTask, Reply } from "../tasks.ts";
import { buildModule } from "./module-build.ts";
import { perform } from "./perform.ts";

async function send(reply: Reply, body: Uint8Array): Promise<void> {
  process.stdout.write(encodeHeader(reply, body.length));
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(body, (error) => (error ? reject(error) : resolve()));
  });
}

async function answer({ header, body }: Frame): Promise<void> {
  const performed = await perform(header as AnyTask, body);
  await send(performed.reply, performed.body);
}

async function main(mostBodyBytes: number): Promise<void> {
  // Starts esbuild's process now instead of before the first build.
  await buildModule(new TextEncoder().encode("export {};"));
  await send({ outcome: "ready" }, new Uint8Array(0));
  let last: Promise<void> = Promise.resolve();
  const reader = new FrameReader(mostBodyBytes, (frame) => {
    last = last.then(() => answer(frame));
  });
  for await (const chunk of process.stdin) reader.push(chunk as Buffer);
  await last;
}

main(Number(process.argv[2])).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
