import { requireAllFunctions, requireFunction } from "../../../http/access/principal.ts";
import { readBody } from "../../../http/body/read-body.ts";
import { clientSignal } from "../../../http/client-signal.ts";
import type { Source, VersionNote } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { DeployTurns } from "../../deploys/deploy-turns.ts";
import { readFolder } from "../../files/manifest/read-folder.ts";
import { carryOut, type Outcome } from "../../files/plan/carry-out.ts";
import { carryOutObjects, type ObjectOutcome } from "../../files/plan/carry-out-objects.ts";
import { type PlannedChange, planFolder } from "../../files/plan/plan.ts";
import { planFunction } from "../../files/plan/plan-function.ts";
import {
  authorizeObjects,
  type PlannedObject,
  planObjects,
  specWarnings,
  targetWarnings,
} from "../../files/plan/plan-objects.ts";
import { onOneLine } from "../answer.ts";
import { deployedLine, hostsOf, notDeployedLine } from "../deploy-function.ts";
import { flag, readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { refusePrecondition, takeOptions } from "../versions/read-options.ts";
import { answerApply, type Outcomes } from "./apply-answer.ts";
import { objectKinds } from "./object-kinds.ts";

/** Applies that wait for another one, and the memory of their folders in folders of the largest size. */
const WAITING = 20;
const FOLDERS_IN_ALL = 4;
/** Deploys of one folder may take as long as several deploys one after the other. */
const WAIT_IN_DEPLOYS = 5;

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
  const kinds = objectKinds(services);
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
      const folder = await readFolder(posted, { builder, limits, kinds, name, signal });
      if (prune && !folder.hasFunctions) throw pruneOfOne();
      const { principal } = ctx.state;
      for (const { name: each } of folder.functions) requireFunction(principal, each);
      if (folder.objects.length > 0) requireAllFunctions(principal);
      const plan = {
        functions: await planFolder(
          folder,
          { prune, plan: planFunction },
          { ...services, principal, note, signal },
        ),
        objects: await planObjects(folder.objects, { ...services, kinds, principal, prune }),
      };
      await authorizeObjects(plan.objects, principal);
      const missing = [
        ...targetWarnings(plan.objects, plan.functions, services.platform),
        ...(await specWarnings(plan.objects)),
      ];
      const outcomes = dryRun ? planned(plan) : await carryOutAll({ ...plan, note }, services, ctx);
      answerApply(ctx, services, { dryRun, ...outcomes, kinds, warnings: [...folder.warnings, ...missing] });
    };
    // A plan changes nothing, so it need not wait for others.
    if (dryRun) await apply();
    else await turns.run({ name: "apply", bytes: bytes.length, signal }, apply);
  };
}

interface Plan {
  readonly functions: readonly PlannedChange[];
  readonly objects: readonly PlannedObject[];
}

function planned({ functions, objects }: Plan): Outcomes {
  const state = "planned";
  return {
    functions: functions.map((change) => ({ change, state })),
    objects: objects.map((change) => ({ change, state })),
  };
}

/** Topics, flows, subscriptions and schedules come when their functions are there, and go before them. */
async function carryOutAll(
  plan: Plan & { readonly note: VersionNote },
  services: Services,
  ctx: Call,
): Promise<Outcomes> {
  const { deploys, platform } = services;
  let objects: readonly ObjectOutcome[] = [];
  const functions = await carryOut(plan.functions, {
    ...{ deploys, platform },
    reachedAt: hostsOf(ctx.req.headers),
    signal: clientSignal(ctx.res),
    beforeRemovals: async (failed) => {
      const { declarations } = platform;
      const options = { declarations, failed: new Set(failed), note: plan.note };
      objects = await carryOutObjects(plan.objects, options);
      return objects.every(({ state }) => state !== "failed");
    },
    onOutcome: (outcome) => printOutcome(services, outcome),
  });
  return { functions, objects };
}

/** @throws Problem `invalid_source` for a body that is no archive */
function recognized(builder: Services["builder"], bytes: Uint8Array): Source {
  const posted =
    bytes.length === 0 ? undefined : builder.recognize(bytes, { mostBytes: builder.folderBytes });
  if (posted !== undefined && posted.type !== "text/typescript") return posted;
  const what = posted === undefined ? "empty" : "one file";
  const detail = `The body is ${what}, not a folder: pack the folder with its skiff.yaml, for example with tar -czf - -C FOLDER .`;
  throw new Problem("invalid_source", detail);
}

function pruneOfOne(): Problem {
  const detail = `prune removes everything that the folder does not declare, and this skiff.yaml has no "functions:": declare all of them there, or leave prune out.`;
  return new Problem("invalid_request", detail);
}

function printOutcome({ print }: Services, { change, deployed = [], error }: Outcome): void {
  for (const each of deployed) print(deployedLine(each));
  if (error !== undefined) print(notDeployedLine(change.name, error));
  else if (change.action === "remove") print(onOneLine(`deleted ${change.name}`));
}
