import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { TestReport } from "../../../platform/flows/testing/flow-tests.ts";
import { EXIT } from "../../failure.ts";
import { shown } from "../../output/output.ts";
import { duration } from "../../output/time.ts";
import type { Surroundings, Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { FLOW_LIMITS, faultLines, readFlowText, requireFlow } from "./read-flow.ts";

/** `order.test.yaml` tests `order.yaml`. */
const TEST_FILE = /\.test(?=\.(?:ya?ml|json)$)/i;

interface Tested extends TestReport {
  readonly file: string;
  readonly flow: string;
}

/** Runs flows with mocked functions. A case that fails is exit code 3. */
export async function testFlows({ out, surroundings }: Task, paths: readonly string[]): Promise<number> {
  const reports: Tested[] = [];
  for (const path of paths) reports.push(await testFile(path, surroundings));
  const failed = reports.flatMap(({ cases }) => cases).filter(({ problems }) => problems.length > 0);
  out.result({ files: reports }, () => reports.flatMap((report) => [...linesOf(report)]));
  if (failed.length > 0 && !out.json)
    out.note(failed.length === 1 ? "1 case failed." : `${failed.length} cases failed.`);
  return failed.length === 0 ? EXIT.ok : EXIT.refused;
}

async function testFile(path: string, surroundings: Surroundings): Promise<Tested> {
  const [flowFile, testFile] = TEST_FILE.test(path)
    ? [besides(path, surroundings), path]
    : [path, path.replace(/(?=\.[^.]+$)/, ".test")];
  if (!existsSync(resolve(surroundings.cwd, testFile)))
    throw new UsageError(`${flowFile} has no tests: write some in ${testFile}.`);
  const { definition } = await requireFlow(flowFile, surroundings);
  const { Expressions } = await import("../../../platform/flows/expressions/expressions.ts");
  const { parseFlowTests, testFlow } = await import("../../../platform/flows/testing/flow-tests.ts");
  const parsed = parseFlowTests(readFlowText(testFile, surroundings), definition);
  if ("faults" in parsed)
    throw new UsageError([`${testFile} cannot be read.`, ...faultLines(testFile, parsed.faults)].join("\n"));
  const report = testFlow(definition, parsed.cases, { expressions: new Expressions(), limits: FLOW_LIMITS });
  return { file: testFile, flow: definition.flow, ...report };
}

/** The flow of a file of tests; its ending may be another one. */
function besides(path: string, { cwd }: Pick<Surroundings, "cwd">): string {
  const same = path.replace(TEST_FILE, "");
  const others = ["yaml", "yml", "json"].map((ending) => same.replace(/[^.]+$/, ending));
  return [same, ...others].find((file) => existsSync(resolve(cwd, file))) ?? same;
}

function* linesOf({ file, cases, untested }: Tested): Iterable<string> {
  yield file;
  for (const { name, problems, tookMs } of cases) {
    yield `  ${problems.length === 0 ? "ok" : "FAILED"}  ${shown(name)} (${duration(tookMs)})`;
    for (const problem of problems) yield `      ${shown(problem)}`;
  }
  if (untested.length > 0) yield `  No case runs ${untested.join(", ")}.`;
}
