import type { Command } from "commander";
import { shown } from "../../output/output.ts";
import { table } from "../../output/table.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { declaredPath, listDeclared, posting, removing, showing, stateCell } from "./declared.ts";

const EXAMPLES = `
Examples:
  skiff subscriptions
  skiff subscriptions show billing-orders
  skiff subscriptions pause billing-orders
  skiff subscriptions replay billing-orders --from 2h`;

export function addSubscriptions(program: Command, surroundings: Surroundings): void {
  const subscriptions = program
    .command("subscriptions")
    .summary("show, pause and replay subscriptions")
    .description("Shows subscriptions with their lag and deliveries, pauses, replays and removes them.")
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  const add = (name: string, description: string) => subscriptions.command(name).description(description);
  subscriptions
    .command("list", { isDefault: true })
    .description("Lists the subscriptions.")
    .action(action(surroundings, listSubscriptions));
  add("show", "Shows a subscription and its state.")
    .argument("<subscription>", "name of the subscription")
    .action(action(surroundings, showing("subscription")));
  add("pause", "Starts no delivery until it is resumed.")
    .argument("<subscription>", "name of the subscription")
    .action(action(surroundings, posting("subscription", "pause", "is paused")));
  add("resume", "Goes on with deliveries.")
    .argument("<subscription>", "name of the subscription")
    .action(action(surroundings, posting("subscription", "resume", "goes on")));
  add("replay", "Lets its group go on at an earlier or later event.")
    .argument("<subscription>", "name of the subscription")
    .requiredOption(
      "--from <start>",
      "earliest, latest, a time, a duration before now such as 2h, or a position",
    )
    .action(action(surroundings, replay));
  add("delete", "Removes subscriptions. Their groups keep their places for a while.")
    .alias("remove")
    .argument("<subscriptions...>", "names of the subscriptions")
    .action(action(surroundings, removing("subscription")));
}

async function listSubscriptions({ api, out }: Task): Promise<void> {
  const subscriptions = await listDeclared(api, "subscription");
  out.result({ subscriptions }, () =>
    table([
      ["NAME", "TOPIC", "TO", "GROUP", "LAG", "WAITING", "DEAD", ""].map((head) => out.style("bold", head)),
      ...subscriptions.map((each) => {
        const { name, spec, faults } = each;
        const note = faults !== undefined ? "invalid" : spec.paused === true ? "paused" : "";
        return [
          ...[
            name,
            shown(spec.topic),
            shown(spec.function ?? spec.url ?? `flow ${shown(spec.flow)}`),
            shown(spec.group ?? name),
          ],
          ...["lag", "waiting", "dead"].map((member) => stateCell(each, member)),
          note,
        ];
      }),
    ]),
  );
  if (subscriptions.length === 0 && !out.json) {
    out.note("There are no subscriptions. `skiff subscribe TOPIC --function NAME` makes one.");
  }
}

async function replay({ api, options, out }: Task<{ from: string }>, name: string): Promise<void> {
  const answer = await api.json<{ group: string; lag: number }>(
    declaredPath("subscription", name, "/replay"),
    {
      ...{ method: "POST", query: { from: options.from } },
    },
  );
  out.result(answer, () => [`The group ${answer.group} gets ${answer.lag} events from there.`]);
}
