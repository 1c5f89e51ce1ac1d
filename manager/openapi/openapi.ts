import type { Limits } from "../../platform/limits.ts";
import type { Access } from "../access/access.ts";
import { answerJson } from "../api/answer.ts";
import type { Handler, Services } from "../api/services.ts";
import { callPaths, functionPaths, servicePaths } from "./openapi-paths.ts";
import { type Schema, schemas } from "./openapi-schemas.ts";

/** Version of the API that the document describes. */
const API_VERSION = "1.0.0";

/** `GET /openapi.json`. */
export function answerOpenApi({ limits, access }: Services): Handler {
  const document = openApi(limits, access);
  return (ctx) => answerJson(ctx, document);
}

/** The OpenAPI 3.1 document of this installation, with its limits as ranges. */
export function openApi(limits: Limits, access: Access): Schema {
  return {
    openapi: "3.1.0",
    info: {
      title: "Skiff",
      version: API_VERSION,
      summary: "POST TypeScript, get a URL",
      description:
        "A path that is not listed is 404 `unknown_route`, another method of a listed path (of `/fn`: TRACE and CONNECT) is 405 `method_not_allowed` with `Allow`; each GET answers HEAD, and each path OPTIONS. On Kubernetes what needs the cluster is 503 `platform_unavailable` while its API server does not answer. No operation answers `invalid_declaration` or `precondition_failed` yet.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: access.mode === "token" ? [{ token: [] }] : [{}],
    paths: { ...functionPaths(limits), ...callPaths(), ...servicePaths() },
    components: {
      schemas: schemas(limits),
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "Needed unless the management API listens on loopback only, where no web page may reach it instead",
        },
      },
    },
  };
}
