import type { Scope } from "../../platform/keys/scopes.ts";

/** What a route of the management API asks of its callers. */
export interface RouteRule {
  /** `any`: whoever may use the API at all. */
  readonly scope: Scope | "any";
  /** Another scope that will do, for what its holder has made; the handler checks that. */
  readonly ownWith?: Scope;
  /**
   * `function`: the parameter `name` of the path is a function, which a limited key must be for. `handler`: the handler
   * itself checks or filters by `state.principal`. `all`: no key that is limited to functions may use the route.
   */
  readonly over: "function" | "handler" | "all";
  /** The action in the audit log; required for routes that change something. */
  readonly action?: string;
}

/** A route without a row is for administrators. */
export const STRICTEST: RouteRule = { scope: "admin", over: "all" };

/** The rule of each route, as `METHOD path`. A test compares it with the routes. Probes need no row. */
export const ROUTE_RULES: Readonly<Record<string, RouteRule>> = {
  "GET /": { scope: "any", over: "handler" },
  "GET /openapi.json": { scope: "any", over: "handler" },
  "GET /whoami": { scope: "any", over: "handler" },
  "GET /metrics": { scope: "read", over: "all" },
  "GET /system": { scope: "read", over: "handler" },
  "GET /func": { scope: "read", over: "handler" },
  "POST /func": { scope: "deploy", over: "handler", action: "deploy" },
  "GET /func/:name": { scope: "read", over: "function" },
  "PUT /func/:name": { scope: "deploy", over: "function", action: "deploy" },
  "PATCH /func/:name": { scope: "deploy", over: "function", action: "configure" },
  "DELETE /func/:name": { scope: "deploy", over: "function", action: "delete" },
  "GET /func/:name/source": { scope: "read", over: "function" },
  "GET /func/:name/files": { scope: "read", over: "function" },
  "GET /func/:name/logs": { scope: "read", over: "function" },
  "GET /func/:name/metrics": { scope: "read", over: "function" },
  "GET /trace/:id": { scope: "read", over: "handler" },
  "GET /run": { scope: "read", over: "all" },
  "GET /export": { scope: "read", over: "handler" },
  "POST /apply": { scope: "deploy", over: "handler", action: "apply" },
  "GET /schema/skiff.json": { scope: "any", over: "handler" },
  "GET /schema/flow.json": { scope: "any", over: "handler" },
  "POST /func/:name/rollback": { scope: "deploy", over: "function", action: "rollback" },
  "GET /func/:name/traffic": { scope: "read", over: "function" },
  "PUT /func/:name/traffic": { scope: "deploy", over: "function", action: "traffic" },
  "GET /func/:name/versions": { scope: "read", over: "function" },
  "GET /func/:name/versions/:version": { scope: "read", over: "function" },
  "GET /func/:name/versions/:version/diff": { scope: "read", over: "function" },
  "PATCH /func/:name/versions/:version": { scope: "deploy", over: "function", action: "pin" },
  "GET /exec": { scope: "run", over: "all", action: "exec" },
  "POST /exec": { scope: "run", over: "all", action: "exec" },
  "GET /usage": { scope: "read", over: "handler" },
  "GET /secret": { scope: "read", over: "all" },
  "GET /secret/:name": { scope: "read", over: "all" },
  "PUT /secret/:name": { scope: "deploy", over: "all", action: "secret.put" },
  "DELETE /secret/:name": { scope: "deploy", over: "all", action: "secret.delete" },
  "GET /topic": { scope: "read", over: "all" },
  "GET /topic/:name": { scope: "read", over: "all" },
  "PUT /topic/:name": { scope: "deploy", over: "all", action: "topic.put" },
  "DELETE /topic/:name": { scope: "deploy", over: "all", action: "topic.delete" },
  "GET /topic/:name/events": { scope: "read", over: "all" },
  "GET /subscription": { scope: "read", over: "all" },
  "GET /subscription/:name": { scope: "read", over: "all" },
  "PUT /subscription/:name": { scope: "deploy", over: "all", action: "subscription.put" },
  "DELETE /subscription/:name": { scope: "deploy", over: "all", action: "subscription.delete" },
  "POST /subscription/:name/replay": { scope: "deploy", over: "all", action: "subscription.replay" },
  "POST /subscription/:name/pause": { scope: "deploy", over: "all", action: "subscription.pause" },
  "POST /subscription/:name/resume": { scope: "deploy", over: "all", action: "subscription.resume" },
  "GET /schedule": { scope: "read", over: "all" },
  "GET /schedule/:name": { scope: "read", over: "all" },
  "PUT /schedule/:name": { scope: "deploy", over: "all", action: "schedule.put" },
  "DELETE /schedule/:name": { scope: "deploy", over: "all", action: "schedule.delete" },
  "GET /schedule/:name/firings": { scope: "read", over: "all" },
  "POST /schedule/:name/run": { scope: "deploy", over: "all", action: "schedule.run" },
  "POST /schedule/:name/pause": { scope: "deploy", over: "all", action: "schedule.pause" },
  "POST /schedule/:name/resume": { scope: "deploy", over: "all", action: "schedule.resume" },
  "GET /flow": { scope: "read", over: "all" },
  "GET /flow/:name": { scope: "read", over: "all" },
  "PUT /flow/:name": { scope: "deploy", over: "all", action: "flow.put" },
  "DELETE /flow/:name": { scope: "deploy", over: "all", action: "flow.delete" },
  "GET /flow/:name/source": { scope: "read", over: "all" },
  "GET /flow/:name/versions": { scope: "read", over: "all" },
  "GET /flow/:name/versions/:version": { scope: "read", over: "all" },
  "GET /flow/:name/diff": { scope: "read", over: "all" },
  "POST /flow/:name/rollback": { scope: "deploy", over: "all", action: "flow.rollback" },
  "GET /flow/:name/graph": { scope: "read", ownWith: "call", over: "handler" },
  "GET /flow/:name/run": { scope: "read", over: "all" },
  "GET /flow/:name/run/:id": { scope: "read", ownWith: "call", over: "handler" },
  "DELETE /flow/:name/run/:id": { scope: "deploy", over: "handler", action: "run.delete" },
  "GET /flow/:name/run/:id/step/:step": { scope: "read", ownWith: "call", over: "handler" },
  "GET /flow/:name/run/:id/step/:step/output": { scope: "read", ownWith: "call", over: "handler" },
  "POST /flow/:name/run/:id/approve": { scope: "call", over: "handler", action: "run.approve" },
  "GET /flow/:name/run/:id/logs": { scope: "read", ownWith: "call", over: "handler" },
  "POST /flow/:name/run/:id/retry": {
    scope: "deploy",
    ownWith: "call",
    over: "handler",
    action: "run.retry",
  },
  "POST /flow/:name/run/:id/cancel": {
    ...{ scope: "deploy", ownWith: "call", over: "handler", action: "run.cancel" },
  },
  "POST /flow/:name/run/:id/pause": { scope: "deploy", over: "handler", action: "run.pause" },
  "POST /flow/:name/run/:id/resume": { scope: "deploy", over: "handler", action: "run.resume" },
  "GET /call": { scope: "read", ownWith: "call", over: "handler" },
  "DELETE /call": { scope: "deploy", over: "handler", action: "call.delete" },
  "POST /call/retry": { scope: "deploy", over: "handler", action: "call.retry" },
  "GET /call/:id": { scope: "read", ownWith: "call", over: "handler" },
  "DELETE /call/:id": { scope: "deploy", ownWith: "call", over: "handler", action: "call.delete" },
  "GET /call/:id/result": { scope: "read", ownWith: "call", over: "handler" },
  "GET /call/:id/logs": { scope: "read", over: "handler" },
  "POST /call/:id/retry": { scope: "deploy", ownWith: "call", over: "handler", action: "call.retry" },
  "GET /git/:repository/info/refs": { scope: "any", over: "handler" },
  "POST /git/:repository/git-upload-pack": { scope: "read", over: "handler" },
  "POST /git/:repository/git-receive-pack": { scope: "deploy", over: "handler", action: "push" },
  "GET /key": { scope: "admin", over: "all" },
  "POST /key": { scope: "admin", over: "all", action: "key.create" },
  "GET /key/:id": { scope: "admin", over: "all" },
  "PATCH /key/:id": { scope: "admin", over: "all", action: "key.change" },
  "DELETE /key/:id": { scope: "admin", over: "all", action: "key.revoke" },
  "GET /audit": { scope: "admin", over: "all" },
  "POST /key/:id/rotate": { scope: "admin", over: "all", action: "key.rotate" },
};
