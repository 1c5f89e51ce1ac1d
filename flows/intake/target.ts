/** The parts of `/flow/NAME/run` and `/flow/NAME/http…`, not decoded. */
export interface FlowTarget {
  readonly flow: string;
  readonly kind: "run" | "http";
  /** What follows `/http`; begins with a slash. */
  readonly path: string;
  readonly query: URLSearchParams;
}

const TARGET = /^(?:https?:\/\/[^/?#]*)?\/flow\/([^/?]+)\/(run|http)(\/[^?]*)?(?:\?(.*))?$/i;

/** The path is one that flows take (paths.ts). */
export function parseFlowTarget(url: string): FlowTarget {
  const [, flow, kind, path = "/", query] = TARGET.exec(url)!;
  return { flow: flow!, kind: kind as FlowTarget["kind"], path, query: new URLSearchParams(query) };
}
