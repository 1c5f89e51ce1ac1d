import { Problem } from "../../../platform/problems.ts";
import { RUNTIMES, type Runtime } from "../../../platform/settings/runtime.ts";
import { splitWords } from "../../../platform/settings/split-words.ts";
import { type ChosenStart, exactStart, type FormerStart, type StartOrder } from "../../start-order.ts";

type Declared = Readonly<Record<string, unknown>>;

export interface StartOrders {
  readonly start?: StartOrder;
  readonly formerStart?: FormerStart;
}

/**
 * Decides what runs a source: the order, then what its `skiff.yaml` declares, then the settings before.
 * @throws Problem `invalid_setting` for a declared value that cannot be read
 */
export function chooseStart({ start = {}, formerStart }: StartOrders, declared: Declared = {}): ChosenStart {
  const orders: StartOrder[] = [start, readDeclared(declared)];
  const first = <M extends keyof StartOrder>(member: M): StartOrder[M] | undefined =>
    orders.find((order) => order[member] !== undefined)?.[member];
  const given = first("runtime");
  const runtime = given === undefined ? (formerStart?.runtime ?? "deno") : (given ?? "deno");
  // Another runtime begins with the defaults.
  if (formerStart?.runtime === runtime) orders.push(exactStart(formerStart));
  const command = first("command");
  const handler = first("handler");
  return {
    runtime,
    ...(command ? { command } : {}),
    ...(handler ? { handler } : {}),
  };
}

function readDeclared(declared: Declared): StartOrder {
  const { program } = declared;
  const values: Declared = {
    ...(program === null ? { command: null, handler: null } : {}),
    ...declared,
    ...(isRecord(program) ? program : {}),
  };
  const read = <T>(member: string, parse: (value: unknown) => T): T | null | undefined =>
    values[member] === undefined || values[member] === null ? values[member] : parse(values[member]);
  const [runtime, command, handler] = [
    read("runtime", readRuntime),
    read("command", readCommand),
    read("handler", readHandler),
  ];
  return {
    ...(runtime === undefined ? {} : { runtime }),
    ...(command === undefined ? {} : { command }),
    ...(handler === undefined ? {} : { handler }),
  };
}

function readRuntime(value: unknown): Runtime {
  const found = RUNTIMES.find((each) => each === value);
  if (found !== undefined) return found;
  throw unreadable("runtime", value, RUNTIMES.join(", "));
}

function readCommand(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  if (typeof value === "string") return splitCommand(value);
  throw unreadable("command", value, "a text or a list of texts");
}

function splitCommand(text: string): readonly string[] {
  try {
    return splitWords(text);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new Problem("invalid_setting", `skiff.yaml: command: ${error.detail}`, { setting: "command" });
  }
}

function readHandler(value: unknown): string {
  if (typeof value === "string") return value;
  throw unreadable("handler", value, "a text such as file.function");
}

function unreadable(member: string, value: unknown, use: string): Problem {
  const shown = JSON.stringify(value).slice(0, 80);
  const detail = `skiff.yaml: ${member}: ${shown} is not valid: use ${use}.`;
  return new Problem("invalid_setting", detail, { setting: member });
}

function isRecord(value: unknown): value is Declared {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
