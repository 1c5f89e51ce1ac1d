import type { Command } from "commander";
import { action, type Surroundings } from "../../task.ts";
import { clone } from "./clone.ts";
import { answerCredential } from "./credential.ts";
import { mirror, sync } from "./mirror.ts";
import { changeBranch, list, log, show } from "./repositories.ts";

const EXAMPLES = `
Examples:
  skiff git clone hello                    (then edit, git commit, git push)
  skiff git log hello
  skiff git mirror hello --from https://github.com/me/hello.git --secret github-token`;

/** Adds the commands for git repositories. */
export function addGit(program: Command, surroundings: Surroundings): void {
  const git = program
    .command("git")
    .summary("clone functions, push to deploy, mirror repositories")
    .description("Works with the git repositories of functions. A push to one deploys.")
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  git
    .command("clone")
    .description(
      "Clones a repository with the git of this machine. Git gets the key of this Skiff from `skiff`.",
    )
    .argument("<function>", "name of the function, or of the group")
    .argument("[folder]", "where to")
    .action(action(surroundings, clone));
  git
    .command("list", { isDefault: true })
    .description("Lists the repositories.")
    .action(action(surroundings, list));
  git
    .command("show")
    .description("Shows the branch, the functions and the mirror of a repository.")
    .argument("<function>", "name of the function, or of the group")
    .action(action(surroundings, show));
  git
    .command("log")
    .description(
      "Lists the commits of the branch that deploys, newest first, with the versions that they became.",
    )
    .argument("<function>", "name of the function, or of the group")
    .option("-n, --limit <count>", "most commits, at most 100", "20")
    .action(action(surroundings, log));
  git
    .command("branch")
    .description("Makes another branch the one that deploys. The next push to it does.")
    .argument("<function>", "name of the function, or of the group")
    .argument("<branch>", "the branch")
    .action(action(surroundings, changeBranch));
  git
    .command("mirror")
    .description("Deploys what is pushed to another repository, or pushes there what is deployed here.")
    .argument("<function>", "name of the function, or of the group")
    .option("--from <url>", "deploy what is pushed there")
    .option("--to <url>", "push there what is deployed")
    .option("--off", "mirror no longer")
    .option("--branch <branch>", "the branch there (default: the one that deploys)")
    .option("--secret <secret>", "the secret with a token for it, or user:password")
    .option("--webhook-secret <secret>", "the secret that signs the requests of its webhook")
    .option("--force", "deploy what is there although it has no commit in common with what is deployed")
    .action(action(surroundings, mirror));
  git
    .command("sync")
    .description("Fetches from the mirror and deploys, or pushes to it, now.")
    .argument("<function>", "name of the function, or of the group")
    .action(action(surroundings, sync));
  git
    .command("credential", { hidden: true })
    .argument("<operation>")
    .action(action(surroundings, answerCredential));
}
