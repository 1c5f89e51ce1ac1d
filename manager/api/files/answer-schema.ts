import { answerJson } from "../answer.ts";
import type { Handler } from "../services.ts";

/** `GET /schema/…`: what editors check and complete a text with. */
export function answerSchema(schema: object): Handler {
  return (ctx) => {
    answerJson(ctx, schema);
    ctx.type = "application/schema+json";
  };
}
