import { appendAudit, listAudit } from "./audit.ts";
import {
  addBody,
  addBodyPart,
  bodyPart,
  knownBodies,
  removeBody,
  removeUnusedBodies,
} from "./bodies/bodies.ts";
import { cancelCall, cancelCalls, retryCalls } from "./calls/change.ts";
import { enqueueAll } from "./calls/enqueue.ts";
import { leaseCalls } from "./calls/lease.ts";
import { getCall, headOfCall, listCalls, purgeCalls, removeOldCalls } from "./calls/records.ts";
import { settleCalls } from "./calls/settle.ts";
import { countLive, totals } from "./calls/totals.ts";
import { beatWorker, leaveWorker, reclaimCalls, workerBeats } from "./calls/workers.ts";
import { appendRuns } from "./flows/append.ts";
import { createRuns } from "./flows/create.ts";
import { beatEngine, claimRuns, engineBeats, freeRuns } from "./flows/engines.ts";
import { checkpointOf, entriesOf, getRun, listRuns, stuckRuns } from "./flows/read.ts";
import { removeOldRuns, removeRuns } from "./flows/remove.ts";
import { flowTotals } from "./flows/run-totals.ts";
import { ownSignals, reopenRun, signalRuns } from "./flows/signals.ts";
import { addVersion, getVersion, listVersions, removeVersions } from "./flows/versions.ts";
import { advanceWaits, findWaits, waitedTopics, waitRules } from "./flows/waits.ts";
import {
  addPackPart,
  completePack,
  findPack,
  packBytes,
  removeUnusedPacks,
  removeUpload,
  touchPack,
} from "./repositories/packs.ts";
import {
  getRepository,
  listRepositories,
  ownerOfFunction,
  removeRepository,
  saveRepository,
} from "./repositories/rows.ts";
import { removeOld } from "./retention.ts";
import { fire, listFirings } from "./timers/fire.ts";
import { dueTimers, getTimer, removeTimer, setTimer } from "./timers/timer-rows.ts";
import { deliver, joinTopic, leaveTopic, movePlace, place } from "./topics/places.ts";
import { insertEvents } from "./topics/publish.ts";
import { positionAt, readEvents, topicStats } from "./topics/read.ts";
import { repliesTo } from "./topics/replies.ts";
import { removeTopic, trimTopic } from "./topics/trim.ts";
import { tracedCall } from "./traces.ts";
import { addUsage, lastUse, sumUsage, usageMinutes, usageMonth } from "./usage.ts";
import { addSamples, usageSamples } from "./usage-samples.ts";
import { usageSeries } from "./usage-series.ts";
import type { Work } from "./work.ts";

const HISTORY = {
  addUsage,
  sumUsage,
  usageMinutes,
  usageSeries,
  addSamples,
  usageSamples,
  tracedCall,
  usageMonth,
  lastUse,
  appendAudit,
  listAudit,
  removeOld,
} as const;

const CALLS = {
  enqueueAll,
  leaseCalls,
  beatWorker,
  workerBeats,
  reclaimCalls,
  settleCalls,
  leaveWorker,
  getCall,
  headOfCall,
  listCalls,
  cancelCall,
  cancelCalls,
  retryCalls,
  purgeCalls,
  totals,
  countLive,
  removeOldCalls,
} as const;

const TOPICS = {
  publish: insertEvents,
  readEvents,
  positionAt,
  topicStats,
  place,
  joinTopic,
  movePlace,
  leaveTopic,
  deliver,
  repliesTo,
  trimTopic,
  removeTopic,
} as const;

const TIMERS = {
  setTimer,
  getTimer,
  removeTimer,
  dueTimers,
  fire,
  listFirings,
} as const;

const BODIES = { addBody, addBodyPart, bodyPart, knownBodies, removeBody, removeUnusedBodies } as const;

const FLOWS = {
  createRuns,
  appendRuns,
  claimRuns,
  beatEngine,
  engineBeats,
  freeRuns,
  entriesOf,
  checkpointOf,
  getRun,
  listRuns,
  stuckRuns,
  flowTotals,
  removeRuns,
  removeOldRuns,
  ownSignals,
  signalRuns,
  reopenRun,
  advanceWaits,
  findWaits,
  waitedTopics,
  waitRules,
  addVersion,
  getVersion,
  listVersions,
  removeVersions,
} as const;

const REPOSITORIES = {
  getRepository,
  listRepositories,
  ownerOfFunction,
  saveRepository,
  removeRepository,
  touchPack,
  addPackPart,
  completePack,
  findPack,
  packBytes,
  removeUpload,
  removeUnusedPacks,
} as const;

/** Every transaction by its name, so that one that runs in a thread can be named in a message. */
export const WORKS = {
  ...HISTORY,
  ...CALLS,
  ...BODIES,
  ...TOPICS,
  ...TIMERS,
  ...FLOWS,
  ...REPOSITORIES,
} as const;

export type WorkName = keyof typeof WORKS;
type ResultOf<N extends WorkName> = ReturnType<(typeof WORKS)[N]> extends Work<infer T> ? T : never;

/** Runs a transaction of a driver. Durable when it resolves. */
export type RunWork = <N extends WorkName>(
  name: N,
  ...args: Parameters<(typeof WORKS)[N]>
) => Promise<ResultOf<N>>;
