import { json, operation } from "../operation.ts";
import { array, COUNT, FLAG, INSTANT, object, orNull, type Schema, TEXT } from "../schema.ts";

const NUMBER: Schema = { type: "number", minimum: 0 };

/** `/system`. */
export function systemPaths(): Record<string, Schema> {
  const walls = object({ files: TEXT, network: TEXT });
  const limit = object({ value: NUMBER, unit: { enum: ["bytes", "ms", "count"] }, meaning: TEXT });
  const schema = object(
    {
      ...{ version: TEXT, platform: { enum: ["local", "kubernetes"] }, startedAt: INSTANT, url: TEXT },
      access: { enum: ["loopback", "open", "token"] },
      limits: { type: "object", additionalProperties: limit, description: "By variable" },
      store: object(
        { kind: orNull({ enum: ["sqlite", "postgresql"] }), ok: FLAG },
        { detail: { ...TEXT, description: "Why it is not ok" }, schema: COUNT },
      ),
      git: {
        ...object({ version: orNull(TEXT) }, { detail: TEXT }),
        description: "The git that serves repositories; without a version, `detail` says what is missing",
      },
      process: object({ memoryMiB: NUMBER, uptimeS: NUMBER, cpuS: NUMBER }),
      functions: { ...COUNT, description: "Functions that the caller may see" },
      instances: { ...COUNT, description: "Their ready instances" },
      commands: object({ on: FLAG, images: array(TEXT) }),
      oidc: { ...object({ issuer: TEXT }), type: ["object", "null"] },
    },
    {
      dashboard: { ...TEXT, description: "Address of the dashboard" },
      isolation: { ...walls, description: "What isolates the instances of functions" },
      programs: { ...walls, description: "What isolates programs" },
      pool: { ...object({ size: COUNT, ready: COUNT }), description: "Warm pods (Kubernetes)" },
      memory: {
        ...object({ usedMiB: NUMBER, limitMiB: NUMBER }),
        description: "Memory of all instances together (one machine)",
      },
    },
  );
  return {
    "/system": {
      get: operation("describeSystem", "Version, isolation, limits, and the health of the store", {
        answers: { 200: json("The installation", schema) },
      }),
    },
  };
}
