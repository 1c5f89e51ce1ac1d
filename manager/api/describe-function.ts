import { checkFunctionName } from "../../platform/function-name.ts";
import { unknownFunction } from "../deploys/deploys.ts";
import { answerJson } from "./answer.ts";
import { descriptionDocument } from "./function-document.ts";
import { functionUrl } from "./function-url.ts";
import { readParameters } from "./read-query.ts";
import type { Handler, Services } from "./services.ts";

/** `GET /func/NAME`: versions, settings, instances, last errors, why it is not ready. */
export function describeFunction({ platform, publicUrl }: Services): Handler {
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    readParameters(ctx, []);
    const description = await platform.describe(name);
    if (description === undefined) throw unknownFunction(name);
    answerJson(ctx, descriptionDocument(description, functionUrl(ctx, publicUrl, name)));
  };
}
