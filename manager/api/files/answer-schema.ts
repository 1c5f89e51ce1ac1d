import { manifestSchema } from "../../openapi/manifest-schema.ts";
import { answerJson } from "../answer.ts";
import type { Handler, Services } from "../services.ts";

/** `GET /schema/skiff.json`: what editors check and complete a `skiff.yaml` with. */
export function answerSchema({ limits }: Services): Handler {
  const schema = manifestSchema(limits);
  return (ctx) => {
    answerJson(ctx, schema);
    ctx.type = "application/schema+json";
  };
}
