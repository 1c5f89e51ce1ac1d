import { Router } from "@koa/router";
import { readCallLogs } from "./api/calls/call-logs.ts";
import { readResult } from "./api/calls/call-result.ts";
import { removeCall, removeCalls, retryCall, retryCalls } from "./api/calls/change-calls.ts";
import { describeCall, listCalls } from "./api/calls/read-calls.ts";
import { configureFunction, deployFunction } from "./api/deploy-function.ts";
import {
  describeDeclared,
  listDeclared,
  pauseDeclared,
  putDeclared,
  removeDeclared,
} from "./api/events/declarations.ts";
import { listFirings } from "./api/events/firings.ts";
import { readEvents } from "./api/events/read-events.ts";
import { replaySubscription } from "./api/events/replay.ts";
import { SCHEDULES } from "./api/events/schedules.ts";
import { SUBSCRIPTIONS } from "./api/events/subscriptions.ts";
import { describeTopic, listTopics, TOPICS } from "./api/events/topics.ts";
import { answerSchema } from "./api/files/answer-schema.ts";
import { applyFolder } from "./api/files/apply-folder.ts";
import { answerExport } from "./api/files/export-functions.ts";
import { describeFunction, listFunctions, removeFunction } from "./api/functions.ts";
import { listAudit } from "./api/keys/audit.ts";
import { changeKey, createKey, describeKey, listKeys, revokeKey, rotateKey } from "./api/keys/keys.ts";
import { answerWhoami } from "./api/keys/whoami.ts";
import { readLogs } from "./api/logs/read-logs.ts";
import { readSource } from "./api/read-source.ts";
import { putSecret } from "./api/secrets/put-secret.ts";
import { describeSecret, listSecrets, removeSecret } from "./api/secrets/secrets.ts";
import type { Services } from "./api/services.ts";
import { answerHealth, answerMetrics, answerReadiness, answerWelcome } from "./api/state-of-service.ts";
import { answerUsage } from "./api/usage/usage.ts";
import { diffVersions } from "./api/versions/diff.ts";
import { pinVersion } from "./api/versions/pin-version.ts";
import { describeVersion, listVersions } from "./api/versions/read-versions.ts";
import { rollBack } from "./api/versions/rollback.ts";
import { changeTraffic, describeTraffic } from "./api/versions/traffic.ts";
import { answerOpenApi } from "./openapi/openapi.ts";

/** Returns the routes of the management API. A test compares them with `/openapi.json`. */
export function createRoutes(services: Services): Router {
  const router: Router = new Router({ sensitive: true, strict: true });
  router.get("/", answerWelcome(services));
  router.get("/func", listFunctions(services));
  router.post("/func", deployFunction(services));
  router.get("/func/:name", describeFunction(services));
  router.put("/func/:name", deployFunction(services));
  router.patch("/func/:name", configureFunction(services));
  router.delete("/func/:name", removeFunction(services));
  router.get("/func/:name/source", readSource(services));
  router.get("/func/:name/logs", readLogs(services));
  router.get("/usage", answerUsage(services));
  router.get("/key", listKeys(services));
  router.post("/key", createKey(services));
  router.get("/key/:id", describeKey(services));
  router.patch("/key/:id", changeKey(services));
  router.delete("/key/:id", revokeKey(services));
  router.post("/key/:id/rotate", rotateKey(services));
  router.get("/whoami", answerWhoami);
  router.get("/audit", listAudit(services));
  router.get("/export", answerExport(services));
  router.post("/apply", applyFolder(services));
  router.get("/schema/skiff.json", answerSchema(services));
  router.post("/func/:name/rollback", rollBack(services));
  router.get("/func/:name/traffic", describeTraffic(services));
  router.put("/func/:name/traffic", changeTraffic(services));
  router.get("/func/:name/versions", listVersions(services));
  router.get("/func/:name/versions/:version", describeVersion(services));
  router.get("/func/:name/versions/:version/diff", diffVersions(services));
  router.patch("/func/:name/versions/:version", pinVersion(services));
  router.get("/secret", listSecrets(services));
  router.get("/secret/:name", describeSecret(services));
  router.put("/secret/:name", putSecret(services));
  router.delete("/secret/:name", removeSecret(services));
  router.get("/topic", listTopics(services));
  router.get("/topic/:name", describeTopic(services));
  router.put("/topic/:name", putDeclared(services, TOPICS));
  router.delete("/topic/:name", removeDeclared(services, TOPICS));
  router.get("/topic/:name/events", readEvents(services));
  router.get("/subscription", listDeclared(services, SUBSCRIPTIONS));
  router.get("/subscription/:name", describeDeclared(services, SUBSCRIPTIONS));
  router.put("/subscription/:name", putDeclared(services, SUBSCRIPTIONS));
  router.delete("/subscription/:name", removeDeclared(services, SUBSCRIPTIONS));
  router.post("/subscription/:name/replay", replaySubscription(services));
  router.post("/subscription/:name/pause", pauseDeclared(services, SUBSCRIPTIONS, true));
  router.post("/subscription/:name/resume", pauseDeclared(services, SUBSCRIPTIONS, false));
  router.get("/schedule", listDeclared(services, SCHEDULES));
  router.get("/schedule/:name", describeDeclared(services, SCHEDULES));
  router.put("/schedule/:name", putDeclared(services, SCHEDULES));
  router.delete("/schedule/:name", removeDeclared(services, SCHEDULES));
  router.get("/schedule/:name/firings", listFirings(services));
  router.post("/schedule/:name/pause", pauseDeclared(services, SCHEDULES, true));
  router.post("/schedule/:name/resume", pauseDeclared(services, SCHEDULES, false));
  router.get("/call", listCalls(services));
  router.delete("/call", removeCalls(services));
  router.post("/call/retry", retryCalls(services));
  router.get("/call/:id", describeCall(services));
  router.delete("/call/:id", removeCall(services));
  router.get("/call/:id/result", readResult(services));
  router.get("/call/:id/logs", readCallLogs(services));
  router.post("/call/:id/retry", retryCall(services));
  router.get("/healthz", answerHealth);
  router.get("/readyz", answerReadiness(services));
  router.get("/metrics", answerMetrics(services));
  router.get("/openapi.json", answerOpenApi(services));
  return router;
}
