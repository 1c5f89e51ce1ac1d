import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CorpusEntry, readCorpus } from "./entry.ts";
import { Host } from "./hosted.ts";
import { Reference } from "./reference.ts";

/** Entries that run at the same time, each in Deno and on Skiff. */
const AT_ONCE = 3;

/** Parts of the corpus. A run takes the one of its day, because the whole takes minutes; SKIFF_CORPUS=all takes all. */
const PARTS = 10;

const { SKIFF_CORPUS: part = String(new Date().getUTCDate() % PARTS) } = process.env;
const corpus = readCorpus();
const entries = [...corpus.values()].flat().filter((_, index) => isOf(part, index));

function isOf(name: string, index: number): boolean {
  return name === "all" || index % PARTS === Number(name);
}

describe(`the corpus (SKIFF_CORPUS=${part}) answers on Skiff as under Deno`, function () {
  this.timeout(300_000);
  let folder: string;
  let host: Host;
  let reference: Reference;
  let judged = 0;
  let agreed = 0;
  const runs = new Map<CorpusEntry, Promise<unknown>>();

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-corpus-"));
    reference = new Reference(folder);
    host = await Host.start();
  });
  after(async () => {
    await Promise.all(runs.values());
    await host.close();
    rmSync(folder, { recursive: true, force: true });
    console.log(`    ${agreed} of ${judged} modules agree`);
  });

  /** Begins this entry and the ones after it, so that processors do not rest while one of them downloads. */
  function outcome(entry: CorpusEntry): Promise<unknown> {
    const at = entries.indexOf(entry);
    for (const each of entries.slice(at, at + AT_ONCE)) {
      // A failure is the outcome of the entry's own test.
      if (!runs.has(each))
        runs.set(
          each,
          compare(each).catch((error: unknown) => error),
        );
    }
    return runs.get(entry)!;
  }

  async function compare(entry: CorpusEntry): Promise<void> {
    const { refused, answers, log } = entry;
    const isJudgedAlone = refused !== undefined || answers !== undefined;
    const [hosted, expected] = await Promise.all([
      host.run(entry),
      isJudgedAlone ? undefined : reference.answers(entry),
    ]);
    if (refused) return assert.match(hosted.refusal ?? "The deploy succeeded.", refused);
    assert.equal(hosted.refusal, undefined);
    const seen = { answers: hosted.answers, log: hosted.log };
    // With its log, which names the cause.
    if (expected) assert.deepEqual(seen, { answers: expected, log: hosted.log });
    const isBroken = expected?.some(({ status }) => status === 500) && !log;
    assert.ok(!isBroken, "The entry does not run under Deno. One that throws on purpose has a `log`.");
    const bodies = hosted.answers.map(({ body }) => body);
    if (answers) assert.deepEqual({ bodies, log: hosted.log }, { bodies: answers, log: hosted.log });
    if (log) assert.match(hosted.log, log);
  }

  for (const [kind, members] of corpus) {
    describe(kind, () => {
      for (const entry of members.filter((each) => entries.includes(each))) {
        it(entry.title, async () => {
          judged++;
          const failure = await outcome(entry);
          if (failure !== undefined) throw failure;
          agreed++;
        });
      }
    });
  }
});
