import { once } from "node:events";
import { requireScope } from "../../../http/access/principal.ts";
import { clientSignal } from "../../../http/client-signal.ts";
import { exportFunctions } from "../../files/export.ts";
import { visibleFunctions } from "../../files/visible-functions.ts";
import { flag, readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { objectKinds } from "./object-kinds.ts";

/** `GET /export?values=`: a tar.gz that an apply takes. Only administrators get the values of variables. */
export function answerExport(services: Services): Handler {
  const { platform, builder, limits, closing } = services;
  const all = objectKinds(services);
  return async (ctx) => {
    const { values } = readParameters(ctx, { values: flag });
    const { principal } = ctx.state;
    if (values) requireScope(principal, "admin");
    // A key for some functions sees nothing that concerns all of them.
    const kinds = principal.functions === undefined ? all : [];
    const names = (await visibleFunctions(platform, principal)).map(({ name }) => name);
    ctx.status = 200;
    ctx.set("content-type", "application/gzip");
    ctx.set("content-disposition", 'attachment; filename="skiff.tar.gz"');
    // An answer to HEAD has no body.
    if (ctx.method === "HEAD") return;
    const signal = AbortSignal.any([clientSignal(ctx.res), closing]);
    const packed = exportFunctions({ platform, builder, limits, names, kinds, values, signal });
    // An error before the first bytes becomes a problem document. A later one breaks the answer off.
    await once(packed, "readable");
    ctx.body = packed;
  };
}
