import type { ServerResponse } from "node:http";

/** The client closed its connection before it was answered: nobody is there to be told anything. */
export class ClientLeft extends Error {
  constructor() {
    super("the client left before the answer");
    this.name = "ClientLeft";
  }
}

/** Aborted with `ClientLeft` when the connection goes before the answer has been sent. */
export function clientSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const check = () => {
    if (!response.writableFinished) controller.abort(new ClientLeft());
  };
  if (response.closed) check();
  else response.once("close", check);
  return controller.signal;
}
