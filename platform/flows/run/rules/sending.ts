import type { ExecAction, FnAction, HttpAction, Step } from "../../definition/definition.ts";
import type { KeptValue } from "../entry.ts";
import type { LiveRun } from "../live-run.ts";
import type { Sending } from "../machine.ts";
import type { Ref } from "../under-way.ts";
import { isTooDeep, TOO_DEEP } from "../values/depth.ts";
import {
  compose,
  failed,
  isReadable,
  keptOf,
  outputOf,
  type Scope,
  textOf,
  textsOf,
  unreadable,
} from "../values/values.ts";

/** Longest time of a call that has none of its own, in milliseconds. Functions have one of theirs. */
const DEFAULT_MS = 60_000;

export function sendingOf(scope: Scope, ref: Ref, action: FnAction | HttpAction | ExecAction): Sending {
  switch (action.kind) {
    case "fn": {
      const { function: name, method } = action;
      return {
        kind: "fn",
        function: name,
        ...versionOf(scope.run, action),
        method,
        path: textOf(scope, action.path, "path"),
        headers: textsOf(scope, action.headers, "headers"),
        payload: hasNoBody(method) ? "none" : inputOf(scope, ref),
      };
    }
    case "http": {
      const hasNone = hasNoBody(action.method) || scope.run.planned(ref.step).step.with === undefined;
      return {
        kind: "http",
        url: textOf(scope, action.url, "url"),
        method: action.method,
        headers: textsOf(scope, action.headers, "headers"),
        payload: hasNone ? "none" : inputOf(scope, ref),
      };
    }
    case "exec":
      return {
        kind: "exec",
        image: action.image,
        cmd: action.cmd.map((part, index) => textOf(scope, part, `cmd[${index}]`)),
        env: textsOf(scope, action.env, "env"),
        payload: inputOf(scope, ref),
      };
  }
}

function versionOf(run: LiveRun, { function: name, version }: FnAction) {
  if (version !== undefined) return { version };
  const { functions } = run.state.begun;
  return Object.hasOwn(functions, name) ? { version: functions[name], isReplaceable: true as const } : {};
}

export function timeoutOf({ action, timeoutMs }: Step): number | undefined {
  return timeoutMs ?? (action.kind === "fn" ? undefined : DEFAULT_MS);
}

function hasNoBody(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** What the action gets: `with`, the item, or what the steps before it put out. */
export function inputOf(scope: Scope, { step, item }: Ref): KeptValue {
  const { step: definition, needs } = scope.run.planned(step);
  if (definition.with !== undefined) return keptOf(scope, definition.with, "with");
  if (definition.each !== undefined && item !== undefined) return { json: scope.plain.item };
  if (needs.length === 0) return scope.kept.input!;
  const done = needs.filter((name) => scope.run.data(name).state === "done");
  if (done.length === 1) return outputOf(scope.run.data(done[0]!));
  for (const name of done) checkReadable(scope, name);
  return byName(scope.run, step, done);
}

/** Outputs of steps as one object. */
export function byName(run: LiveRun, step: string, names: readonly string[]): KeptValue {
  const outputs = names.map((name) => outputOf(run.data(name)));
  checkSize(run, step, outputs);
  const values = compose(run, outputs);
  const json = Object.fromEntries(names.map((name, index) => [name, values[index]]));
  if (isTooDeep(json)) throw failed(step, `its input is ${TOO_DEEP}. Use \`with\`.`);
  return { json };
}

/** A part of an object must be a value. */
function checkReadable({ run, step }: Scope, name: string): void {
  const output = outputOf(run.data(name));
  if (!("json" in output) && !isReadable(run, output))
    throw failed(step, `its input: ${unreadable(`steps.${name}.output`, output).message}`);
}

function checkSize(run: LiveRun, step: string, outputs: readonly KeptValue[]): void {
  const most = run.options.limits.flowOutputBytes;
  let bytes = 0;
  for (const value of outputs) if ("body" in value) bytes += value.bytes;
  if (bytes > most)
    throw failed(step, `its input has ${bytes} bytes, and SKIFF_FLOW_OUTPUT allows ${most}. Use \`with\`.`);
}
