import { checkFunctionName } from "../../platform/function-name.ts";
import { unknownFunction } from "../deploys/deploys.ts";
import { answerJson } from "./answer.ts";
import { readParameters } from "./read-query.ts";
import type { Handler, Services } from "./services.ts";

/** `DELETE /func/NAME`: answered when nothing of the function is left. */
export function removeFunction({ deploys, print }: Services): Handler {
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    readParameters(ctx, []);
    if (!(await deploys.remove(name))) throw unknownFunction(name);
    print(`deleted ${name}`);
    answerJson(ctx, { success: true });
  };
}
