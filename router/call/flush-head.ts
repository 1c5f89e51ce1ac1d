import { ServerResponse } from "node:http";
import type { CallResponse } from "../exchange/response.ts";

/** Sends the head now, whenever the body comes. Node's `flushHeaders` would write what is beyond ASCII as UTF-8. */
export function flushHead(response: CallResponse): void {
  if (response instanceof ServerResponse) response.write("", "latin1");
  else response.flushHeaders();
}
