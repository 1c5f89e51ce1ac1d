import type { Call, Handler, Services } from "./services.ts";

/** `GET /`: what a person sees who opens the address in a browser. */
export function answerWelcome({ publicUrl }: Services): Handler {
  return (ctx) => {
    ctx.type = "text";
    ctx.body = welcome(publicUrl?.replace(/\/+$/, "") ?? `http://${hostOf(ctx)}`);
  };
}

function hostOf(ctx: Call): string {
  return ctx.req.headers.host ?? "localhost";
}

function welcome(base: string): string {
  return `This is Skiff: post TypeScript, get a URL.

Write hello.ts:

  export default () => "hello";

Deploy it and call it:

  curl --data-binary @hello.ts -X POST ${base}/func\\?name=hello
  curl ${base}/fn/hello

Then:

  curl ${base}/func                     what is deployed
  curl ${base}/func/hello               one function: versions, settings, instances, errors
  curl ${base}/func/hello/logs          what it printed
  curl -X DELETE ${base}/func/hello     remove it

All of the API: ${base}/openapi.json
`;
}
