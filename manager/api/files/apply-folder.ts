import { requireFunction } from "../../../http/access/principal.ts";
import { clientSignal } from "../../../http/client-signal.ts";
import type { Source } from "../../../platform/platform.ts";
import { Problem, problemDocument, toProblem } from "../../../platform/problems.ts";
import { printableLines } from "../../../process/printable.ts";
import { DeployTurns } from "../../deploys/deploy-turns.ts";
import { readFolder } from "../../files/manifest/read-folder.ts";
import { carryOut, type Outcome } from "../../files/plan/carry-out.ts";
import { type PlannedChange, planFolder } from "../../files/plan/plan.ts";
import { planFunction } from "../../files/plan/plan-function.ts";
import { answerJson, onOneLine } from "../answer.ts";
import { deployedLine, hostsOf, notDeployedLine } from "../deploy-function.ts";
import { readBody } from "../read-body.ts";
import { flag, readParameters } from "../read-query.ts";
import { baseUrl, type Call, type Handler, type Services } from "../services.ts";
import { refusePrecondition, takeOptions } from "../versions/read-options.ts";

/** Applies that wait for another one, and the memory of their folders in folders of the largest size. */
const WAITING = 20;
const FOLDERS_IN_ALL = 4;
/** Deploys of one folder may take as long as several deploys one after the other. */
const WAIT_IN_DEPLOYS = 5;
const PLAIN = "text/plain";

interface ApplyResult {
  readonly dryRun: boolean;
  readonly functions: readonly Readonly<Record<string, unknown>>[];
  readonly warnings: readonly string[];
}

const one = (text: string | undefined) => text;

function parametersOf(options: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const given = Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(given);
}

/**
 * `POST /apply?dryRun=&prune=&name=&message=&commit=`: the body is an archive of a folder with a `skiff.yaml`. Compares it with what is
 * deployed and carries the difference out; with `dryRun` only compares.
 */
export function applyFolder(services: Services): Handler {
  const { builder, limits } = services;
  const turns = new DeployTurns({
    inAll: WAITING,
    waitingPerName: WAITING,
    bytesInAll: FOLDERS_IN_ALL * builder.folderBytes,
    waitingBytes: FOLDERS_IN_ALL * builder.folderBytes,
    waitMs: WAIT_IN_DEPLOYS * (limits.buildMs + limits.startMs),
  });
  return async (ctx) => {
    const readers = { dryRun: flag, prune: flag, name: one, message: one, commit: one };
    const { dryRun, prune, name, message, commit } = readParameters(ctx, readers);
    refusePrecondition(ctx);
    const { note } = takeOptions(parametersOf({ message, commit }), ctx.state.by);
    const bytes = await readBody(ctx.req, {
      maxBytes: builder.folderBytes,
      tooLarge: "source_too_large",
      advice:
        "remove files that no function needs, apply the functions in several folders, or raise SKIFF_MAX_SOURCE.",
    });
    const signal = clientSignal(ctx.res);
    const posted = recognized(builder, bytes);
    const apply = async () => {
      const folder = await readFolder(posted, { builder, limits, name, signal });
      if (prune && folder.isOneFunction) throw pruneOfOne();
      const { principal } = ctx.state;
      for (const { name: each } of folder.functions) requireFunction(principal, each);
      const plan = await planFolder(
        folder,
        { prune, plan: planFunction },
        { ...services, principal, note, signal },
      );
      const outcomes = dryRun
        ? plan.map((change): Outcome => ({ change, state: "planned" }))
        : await carryOut(plan, {
            deploys: services.deploys,
            platform: services.platform,
            reachedAt: hostsOf(ctx.req.headers),
            signal,
            onOutcome: (outcome) => printOutcome(services, outcome),
          });
      ctx.state.audited = { target: "folder", detail: sumText(dryRun, outcomes) };
      const functions = outcomes.map((outcome) => outcomeDocument(outcome, services, ctx));
      answer(ctx, { dryRun, functions, warnings: folder.warnings }, outcomes);
    };
    // A plan changes nothing, so it need not wait for others.
    if (dryRun) await apply();
    else await turns.run({ name: "apply", bytes: bytes.length, signal }, apply);
  };
}

/** @throws Problem `invalid_source` for a body that is no archive */
function recognized(builder: Services["builder"], bytes: Uint8Array): Source {
  const posted = bytes.length === 0 ? undefined : builder.recognize(bytes, builder.folderBytes);
  if (posted !== undefined && posted.type !== "text/typescript") return posted;
  const what = posted === undefined ? "empty" : "one file";
  const detail = `The body is ${what}, not a folder: pack the folder with its skiff.yaml, for example with tar -czf - -C FOLDER .`;
  throw new Problem("invalid_source", detail);
}

function answer(ctx: Call, result: ApplyResult, outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ state }) => state === "failed");
  if (failed.length > 0) throw applyFailed(failed, outcomes.length, result);
  if (ctx.accepts("application/json", PLAIN) === PLAIN) {
    ctx.type = PLAIN;
    ctx.body = resultText(result, outcomes);
  } else answerJson(ctx, result);
}

function applyFailed(failed: readonly Outcome[], total: number, { functions }: ApplyResult): Problem {
  const reasons = failed.map(({ change, error }) => `${change.name}: ${toProblem(error).detail}`);
  const detail = `${failed.length} of ${total} functions failed; the others are as the folder declares them. Correct these and apply the folder again.\n${reasons.join("\n")}`;
  return new Problem("apply_failed", detail.slice(0, 8_000), { functions });
}

function pruneOfOne(): Problem {
  const detail = `prune removes every function that the folder does not declare, and this skiff.yaml declares one function without "functions:": declare all of them there, or leave prune out.`;
  return new Problem("invalid_request", detail);
}

function outcomeDocument(outcome: Outcome, services: Services, ctx: Call): Record<string, unknown> {
  const { change, state, error } = outcome;
  const { name, action, diff } = change;
  const version = outcome.version ?? change.version;
  const isThere = action !== "remove" || state !== "done";
  return {
    ...{ name, action, state },
    ...(version === undefined ? {} : { version }),
    ...(isThere && version !== undefined ? { url: `${baseUrl(services, ctx)}/fn/${name}` } : {}),
    diff,
    ...(error === undefined ? {} : { problem: problemDocument(toProblem(error), ctx.state.callId) }),
  };
}

const SIGNS: Readonly<Record<PlannedChange["action"], string>> = {
  create: "+",
  update: "~",
  unchanged: "=",
  remove: "-",
};

/** The plan for people: a line for each function, the diff of its settings and source, and a sum. */
function resultText({ dryRun, warnings }: ApplyResult, outcomes: readonly Outcome[]): string {
  const parts = outcomes.map(({ change: { name, action, diff }, deployed }) => {
    const made = (deployed ?? []).flatMap(({ version, unchanged }) =>
      unchanged ? [] : [`version ${version}`],
    );
    const version = made.length === 0 ? "" : ` (${made.join(", ")})`;
    return `${SIGNS[action]} ${action} ${name}${version}\n${printableLines(diff)}`;
  });
  const lines = warnings.map((warning) => `warning: ${warning}\n`);
  return `${parts.join("")}${lines.join("")}${sumText(dryRun, outcomes)}.\n`;
}

/** `Applied: 1 create, 2 unchanged` */
function sumText(dryRun: boolean, outcomes: readonly Outcome[]): string {
  const sums = Object.keys(SIGNS).flatMap((action) => {
    const count = outcomes.filter(({ change }) => change.action === action).length;
    return count === 0 ? [] : [`${count} ${action}`];
  });
  return `${dryRun ? "Plan" : "Applied"}: ${sums.join(", ") || "no functions"}`;
}

function printOutcome({ print }: Services, { change, deployed = [], error }: Outcome): void {
  for (const each of deployed) print(deployedLine(each));
  if (error !== undefined) print(notDeployedLine(change.name, error));
  else if (change.action === "remove") print(onOneLine(`deleted ${change.name}`));
}
