import { Router } from "@koa/router";
import { configureFunction, deployFunction } from "./api/deploy-function.ts";
import { answerSchema } from "./api/files/answer-schema.ts";
import { applyFolder } from "./api/files/apply-folder.ts";
import { answerExport } from "./api/files/export-functions.ts";
import { describeFunction, listFunctions, removeFunction } from "./api/functions.ts";
import { changeKey, createKey, describeKey, listKeys, revokeKey, rotateKey } from "./api/keys/keys.ts";
import { answerWhoami } from "./api/keys/whoami.ts";
import { readLogs } from "./api/read-logs.ts";
import { readSource } from "./api/read-source.ts";
import type { Services } from "./api/services.ts";
import { answerHealth, answerMetrics, answerReadiness, answerWelcome } from "./api/state-of-service.ts";
import { answerUsage } from "./api/usage/usage.ts";
import { pinVersion } from "./api/versions/pin-version.ts";
import { describeVersion, listVersions } from "./api/versions/read-versions.ts";
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
  router.get("/export", answerExport(services));
  router.post("/apply", applyFolder(services));
  router.get("/schema/skiff.json", answerSchema(services));
  router.get("/func/:name/versions", listVersions(services));
  router.get("/func/:name/versions/:version", describeVersion(services));
  router.patch("/func/:name/versions/:version", pinVersion(services));
  router.get("/healthz", answerHealth);
  router.get("/readyz", answerReadiness(services));
  router.get("/metrics", answerMetrics(services));
  router.get("/openapi.json", answerOpenApi(services));
  return router;
}
