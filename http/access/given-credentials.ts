import type { IncomingMessage } from "node:http";
import { bearerOf, keyIdOf } from "../../platform/keys/key-text.ts";
import type { Credentials } from "./callers.ts";

/** Returns the credentials of a request, of which nothing is passed on. */
export function credentialsOf({ headersDistinct }: IncomingMessage): Credentials {
  const { "x-skiff-key": keys = [], authorization = [] } = headersDistinct;
  const bearers = authorization.flatMap((field) => bearerOf(field) ?? []);
  return {
    credentials: [...keys, ...bearers.filter((text) => keyIdOf(text) !== undefined)],
    bearer: bearers.find((text) => keyIdOf(text) === undefined),
  };
}
