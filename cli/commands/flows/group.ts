import type { Command } from "commander";
import { action, type Surroundings, type Task } from "../../task.ts";
import { collect } from "../functions/setting-options.ts";
import { convertFlow } from "./convert.ts";
import { printGraph } from "./graph.ts";
import { deciding, listRuns, printRunLogs, runFlow, showRun, telling } from "./runs.ts";
import { testFlows } from "./test.ts";
import {
  deployFlows,
  diffVersions,
  listFlows,
  listVersions,
  printSource,
  removeFlows,
  rollBack,
  showFlow,
  validateFlows,
} from "./texts.ts";

const EXAMPLES = `
Examples:
  skiff flow validate order.yaml
  skiff flow test order.yaml                    (with order.test.yaml, without a Skiff)
  skiff flow deploy order.yaml --message "Ask the boss"
  skiff flow run order -d '{"id": "o-1"}' --wait
  skiff flow runs order --state failed
  skiff flow show order 019acf7b2c5d7a3f9d1be44a1c0f6e52
  skiff flow retry order 019acf7b2c5d7a3f9d1be44a1c0f6e52 --from charge
  skiff flow approve order 019acf7b2c5d7a3f9d1be44a1c0f6e52 review --comment fine
  skiff flow graph order.yaml --format svg > order.svg
  skiff flow convert klusterfuck.json --function 7=charge > order.yaml`;

export function addFlowCommands(program: Command, surroundings: Surroundings): void {
  program.commandsGroup("Flows:");
  const flow = program
    .command("flow")
    .alias("flows")
    .summary("connect functions: deploy, run, watch and mend flows")
    .description("Deploys flows of functions, runs them, and shows and mends their runs.")
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  addTexts(flow, surroundings);
  addRuns(flow, surroundings);
}

function addTexts(flow: Command, surroundings: Surroundings): void {
  const add = (name: string, description: string) => flow.command(name).description(description);
  const withName = (name: string, description: string) =>
    add(name, description).argument("<flow>", "name of the flow");
  flow
    .command("list", { isDefault: true })
    .description("Lists the flows.")
    .action(action(surroundings, listFlows));
  add("validate", "Checks files without deploying them, and without a Skiff.")
    .argument("<files...>", "files in YAML or JSON")
    .action(action(surroundings, validateFlows));
  add("test", "Runs flows with mocked functions, as NAME.test.yaml beside NAME.yaml says. Needs no Skiff.")
    .argument("<files...>", "files of flows, or of tests")
    .action(action(surroundings, testFlows));
  add("deploy", "Creates flows, or replaces their texts. Runs that have begun keep theirs.")
    .argument("<files...>", "files in YAML or JSON")
    .option("--name <name>", "name of the flow; by default that in the text, or of the file")
    .option("--message <text>", "what is new, for the list of versions")
    .option("--dry-run", "only check")
    .action(action(surroundings, deployFlows));
  add("graph", "Prints the picture of a flow.")
    .argument("<flow>", "a file, or the name of a flow")
    .option("--format <format>", "mermaid (default), svg or json")
    .option("--run <run>", "paint the states of a run")
    .action(action(surroundings, printGraph));
  add("convert", "Prints the text of a flow that is made of the JSON of a flow of Klusterfuck.")
    .argument("<file>", "the file of JSON")
    .option("--name <name>", "name of the flow; by default that in the file")
    .option("--function <id=name>", "name of the function with this id; repeat it for several", collect)
    .option(
      "--connector <id=name>",
      "what the connector with this id is, such as http; repeat it for several",
      collect,
    )
    .action(action(surroundings, convertFlow));
  withName("source", "Prints the text of a flow.").action(action(surroundings, printSource));
  withName("versions", "Lists the versions of a flow.").action(action(surroundings, listVersions));
  withName("diff", "Compares two versions; by default the current one with the one before.")
    .argument("[from]", "the older version")
    .argument("[to]", "the newer version")
    .action(action(surroundings, diffVersions));
  withName("rollback", "Brings the text of an earlier version back.")
    .option("--to <version>", "the version; by default the one before")
    .action(action(surroundings, rollBack));
  add("remove", "Removes flows. Runs that have begun go on.")
    .alias("delete")
    .argument("<flows...>", "names of the flows")
    .option("--cancel-runs", "cancel the runs that have not ended")
    .action(action(surroundings, removeFlows));
}

function addRuns(flow: Command, surroundings: Surroundings): void {
  const withName = (name: string, description: string) =>
    flow.command(name).description(description).argument("<flow>", "name of the flow");
  const withRuns = (name: string, description: string) =>
    withName(name, description).argument("<runs...>", "ids of the runs");
  withName("run", "Begins a run, and prints its id.")
    .option("-d, --data <data>", "input, in JSON; @FILE reads a file, @- standard input")
    .option("--wait [time]", "wait for the end, for 5m by default, and print the output")
    .option("--idempotency-key <key>", "a repeated command with the same key is the same run")
    .action(action(surroundings, runFlow));
  withName("runs", "Lists the runs of a flow, newest first.")
    .option(
      "--state <states>",
      "queued, running, waiting, retrying, paused, done, failed or cancelled; several with commas",
    )
    .option("--since <time>", "begun from a time on: 15m, 2h, 3d, or 2026-11-29T14:00:00Z")
    .option("--until <time>", "begun before a time")
    .option("-n, --limit <runs>", "most runs; 20 by default")
    .action(action(surroundings, listRuns));
  withName("show", "Shows a flow, or a run with its steps.")
    .argument("[run]", "id of a run")
    .action(
      action(surroundings, (task: Task, name: string, run: string | undefined) =>
        run === undefined ? showFlow(task, name) : showRun(task, name, run),
      ),
    );
  withName("logs", "Prints what the functions printed in a run.")
    .argument("<run>", "id of the run")
    .action(action(surroundings, printRunLogs));
  withRuns("retry", "Runs the failed steps of ended runs again, and what follows. Earlier outputs stay.")
    .option("--from <step>", "from this step on")
    .option("--item <n>", "only this item of the step, and what follows")
    .option("--functions <which>", "current: call the versions that have traffic now, such as mended ones")
    .action(action(surroundings, telling("retry", "runs again")));
  withRuns("cancel", "Cancels runs. Their finally steps run.")
    .option("--reason <text>", "why")
    .action(action(surroundings, telling("cancel", "is being cancelled")));
  withRuns("pause", "Starts no further step until the run is resumed.").action(
    action(surroundings, telling("pause", "is paused")),
  );
  withRuns("resume", "Lets paused runs go on.").action(action(surroundings, telling("resume", "goes on")));
  for (const [name, approved, description] of [
    ["approve", true, "Says yes to a step that waits for a person."],
    ["reject", false, "Says no to a step that waits for a person."],
  ] as const) {
    withName(name, description)
      .argument("<run>", "id of the run")
      .argument("<step>", "the step that waits")
      .option("--comment <text>", "why")
      .option("-d, --data <data>", "more for the flow, in JSON")
      .option("--item <n>", "the item of the step")
      .action(action(surroundings, deciding(approved)));
  }
}
