import type { ServerResponse } from "node:http";

/** The client closed its connection before the answer was complete. */
export class ClientLeft extends Error {
  constructor() {
    super("the client left before the answer");
    this.name = "ClientLeft";
  }
}

/** Returns a signal that is aborted with `ClientLeft` if the connection closes before the answer is sent. */
export function clientSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const check = () => {
    if (!response.writableFinished) controller.abort(new ClientLeft());
  };
  if (response.closed) check();
  else response.once("close", check);
  return controller.signal;
}
