import type { Access } from "../../http/access/access.ts";
import type { Limits } from "../../platform/limits.ts";
import { answerJson } from "../api/answer.ts";
import type { Handler, Services } from "../api/services.ts";
import { asyncPaths } from "./events/async.ts";
import { callRecordPaths, callRecordSchemas } from "./events/calls.ts";
import { declarationPaths } from "./events/declarations.ts";
import { askPaths } from "./events/publish.ts";
import { eventSchemas } from "./events/schemas.ts";
import { execPaths, execSchemas } from "./exec.ts";
import { filePaths } from "./files.ts";
import { flowPaths } from "./flows/flows.ts";
import { triggerPaths } from "./flows/intake.ts";
import { runPaths, runSchemas } from "./flows/runs.ts";
import { flowSchemas } from "./flows/schemas.ts";
import { mirrorPaths, mirrorSchemas } from "./git/mirrors.ts";
import { gitPaths } from "./git/protocol.ts";
import { repositoryPaths, repositorySchemas } from "./git/repositories.ts";
import { keyPaths } from "./keys.ts";
import { logPaths } from "./logs.ts";
import { sourceFilePaths, sourceFileSchemas } from "./observing/files.ts";
import { observingPaths, observingSchemas } from "./observing/metrics.ts";
import { systemPaths } from "./observing/system.ts";
import { callPaths, functionPaths, servicePaths } from "./paths.ts";
import type { Schema } from "./schema.ts";
import { schemas } from "./schemas.ts";
import { secretPaths, secretSchemas } from "./secrets.ts";
import { usagePaths } from "./usage.ts";
import { versionPaths, versionSchemas } from "./versions.ts";

/** `GET /openapi.json`. */
export function answerOpenApi({ limits, access }: Services): Handler {
  const document = openApi(limits, access);
  return (ctx) => answerJson(ctx, document);
}

/** Returns the OpenAPI 3.1 document of this installation, with its limits as ranges. */
export function openApi(limits: Limits, access: Access): Schema {
  return {
    openapi: "3.1.0",
    info: {
      title: "Skiff",
      version: "1.0.0",
      summary: "POST TypeScript, get a URL",
      description:
        "An unlisted path answers 404 `unknown_route`, and an unlisted method (for `/fn`, `/async/fn` and `/gateway`: TRACE and CONNECT) 405 `method_not_allowed` with `Allow`. Each GET answers HEAD, and each path OPTIONS. On Kubernetes, operations that need the cluster answer 503 `platform_unavailable` while its API server does not respond. Operations that need the store answer 503 `store_unavailable` while it cannot be reached, or where there is none.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: access.mode === "token" ? [{ token: [] }] : [{}],
    paths: {
      ...functionPaths(limits),
      ...versionPaths(limits),
      ...callPaths(),
      ...asyncPaths(),
      ...logPaths(),
      ...execPaths(limits),
      ...gitPaths(),
      ...repositoryPaths(limits),
      ...mirrorPaths(),
      ...usagePaths(),
      ...keyPaths(limits),
      ...filePaths(),
      ...secretPaths(limits),
      ...declarationPaths(limits),
      ...callRecordPaths(limits),
      ...askPaths(),
      ...flowPaths(limits),
      ...runPaths(limits),
      ...triggerPaths(),
      ...sourceFilePaths(),
      ...observingPaths(),
      ...systemPaths(),
      ...servicePaths(),
    },
    components: {
      schemas: {
        ...schemas(limits),
        ...versionSchemas(limits),
        ...secretSchemas(limits),
        ...eventSchemas(limits),
        ...callRecordSchemas(limits),
        ...flowSchemas(limits),
        ...runSchemas(limits),
        ...execSchemas(),
        ...repositorySchemas(),
        ...mirrorSchemas(),
        ...sourceFileSchemas(),
        ...observingSchemas(),
      },
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "Required unless the management API listens on loopback only, where it refuses web pages instead",
        },
      },
    },
  };
}
