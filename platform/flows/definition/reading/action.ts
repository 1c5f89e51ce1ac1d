import { closestWord } from "../../../../process/closest-word.ts";
import { ATTRIBUTE } from "../../../events/check-filter.ts";
import { FIELD, METHODS, OWN_FIELD, RESERVED } from "../../../events/spec-check.ts";
import { isRecord } from "../../../settings/invalid-setting.ts";
import type { Action, ExecAction, HttpAction, PublishAction, Template } from "../definition.ts";
import { readApprove } from "./approve.ts";
import { KEYS, OTHER_WORDS } from "./keys.ts";
import { declarationNameOf, functionNameOf } from "./names.ts";
import type { Place } from "./place.ts";
import { choiceOf, isObject, templateOf, textOf, textTemplateOf } from "./values.ts";
import { readWait } from "./wait.ts";

const DEFAULT_TYPE = "dev.skiff.flow";
const MOST_ARGUMENTS = 1_000;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

type Kind = (typeof KEYS.action)[number];
const READERS: Readonly<Record<Kind, (place: Place, hasBody: boolean) => Action | undefined>> = {
  fn: readFn,
  http: readHttp,
  publish: readPublish,
  exec: readExec,
  flow: (place) => {
    const flow = declarationNameOf(place, "flow");
    return flow === undefined ? undefined : { kind: "flow", flow };
  },
  wait: readWait,
  approve: readApprove,
};

/** Reads the one action of a step. */
export function readAction(step: Place): Action | undefined {
  const places = KEYS.action.flatMap((kind) => step.member(kind) ?? []);
  const [first, second] = places;
  if (first === undefined) {
    // The word for it has a fault of its own.
    if (step.all().some(({ key }) => isMeantAsAction(key))) return undefined;
    return step.keyFault(`${step.name} has no action: name one of ${KEYS.action.join(", ")}.`);
  }
  if (second !== undefined) {
    return second.keyFault(
      `${step.name} has two actions, ${first.key} and ${second.key}: keep one, and make the other a step that needs it.`,
    );
  }
  return READERS[first.key as Kind](first, step.member("with") !== undefined);
}

function isMeantAsAction(key: string): boolean {
  const word = Object.hasOwn(OTHER_WORDS, key) ? OTHER_WORDS[key]! : closestWord(key, KEYS.action);
  return word !== undefined && key.length > 2 && (KEYS.action as readonly string[]).includes(word);
}

function readFn(place: Place): Action | undefined {
  const long = typeof place.value === "string" ? undefined : place;
  if (long !== undefined && !isObject(long, KEYS.fn)) return undefined;
  const named = long === undefined ? place : long.member("name");
  if (named === undefined)
    return place.fault(`${place.name} has no function: add name, such as name: charge.`);
  const name = functionNameOf(named);
  const method = choiceOf(long?.member("method"), METHODS) ?? "POST";
  const path = pathOf(long?.member("path")) ?? "/";
  const headers = headersOf(long?.member("headers"));
  return name === undefined ? undefined : { kind: "fn", ...name, method, path, headers };
}

function pathOf(place: Place | undefined): Template | undefined {
  return textTemplateOf(
    place,
    /^(\/|\$\{)[^\r\n]{0,2047}$/,
    'a path that starts with /, such as "/items/${ input.id }"',
  );
}

function readHttp(place: Place, hasBody: boolean): HttpAction | undefined {
  const long = typeof place.value === "string" ? undefined : place;
  if (long !== undefined && !isObject(long, KEYS.http)) return undefined;
  const named = long === undefined ? place : long.member("url");
  if (named === undefined)
    return place.fault(`${place.name} has no URL: add url, such as url: "https://example.com/".`);
  const url = urlOf(named);
  const method = choiceOf(long?.member("method"), METHODS) ?? (hasBody ? "POST" : "GET");
  const headers = headersOf(long?.member("headers"));
  return url === undefined ? undefined : { kind: "http", url, method, headers };
}

function urlOf(place: Place): Template | undefined {
  const rule = "an http or https URL without a user name, a password and a fragment";
  const text = textTemplateOf(place, /^[\s\S]{1,2048}$/, rule);
  if (text === undefined || /^\s*\$\{/.test(text)) return text;
  // What an expression will be is not known yet; the engine checks the whole URL.
  const url = URL.parse(text.replaceAll(/\$\{[^}]*\}/g, "0"));
  const isValid =
    url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.hash}` === "";
  return isValid ? text : place.wrong(rule);
}

function readPublish(place: Place): PublishAction | undefined {
  const long = typeof place.value === "string" ? undefined : place;
  if (long !== undefined && !isObject(long, KEYS.publish)) return undefined;
  const named = long === undefined ? place : long.member("topic");
  if (named === undefined) return place.fault(`${place.name} has no topic: name one, such as topic: orders.`);
  const topic = declarationNameOf(named, "topic");
  const type =
    textOf(long?.member("type"), /^[\x21-\x7e]{1,255}$/, "a type such as dev.example.report") ?? DEFAULT_TYPE;
  const attributes = textsOf(long?.member("attributes"), (name) =>
    ATTRIBUTE.test(name) && !RESERVED.includes(name)
      ? undefined
      : `use a name of a-z and 0-9, other than ${RESERVED.join(", ")}`,
  );
  return topic === undefined ? undefined : { kind: "publish", topic, type, attributes };
}

function readExec(place: Place): ExecAction | undefined {
  if (!isObject(place, KEYS.exec)) return undefined;
  const image = textOf(place.member("image"), /^\S{1,512}$/, "host, or an image such as alpine:3") ?? "host";
  const command = place.member("cmd");
  if (command === undefined)
    return place.fault(`${place.name} has no command: add cmd, such as cmd: [date, "-u"].`);
  const { value } = command;
  const isCommand = Array.isArray(value) && value.length > 0 && value.length <= MOST_ARGUMENTS;
  if (!isCommand)
    return command.wrong(`a list of 1 to ${MOST_ARGUMENTS} texts: the program, then its arguments`);
  const env = textsOf(place.member("env"), (name) =>
    VARIABLE.test(name) ? undefined : 'use a name of letters, digits and "_"',
  );
  const isText = command.all().map((each) => isScalar(each));
  if (isText.every(Boolean)) templateOf(command);
  return isText.every(Boolean) ? { kind: "exec", image, cmd: value, env } : undefined;
}

function headersOf(place: Place | undefined): Readonly<Record<string, Template>> {
  return textsOf(place, (name) => {
    if (OWN_FIELD.test(name)) return "remove it, Skiff sets this field itself";
    return FIELD.test(name) ? undefined : "use the name of a header field, such as accept";
  });
}

/** Reads an object of texts. @param nameFault returns what to do about a name; undefined if it is valid */
function textsOf(
  place: Place | undefined,
  nameFault: (name: string) => string | undefined,
): Readonly<Record<string, Template>> {
  if (place === undefined) return {};
  if (!isRecord(place.value)) {
    place.wrong("an object of texts");
    return {};
  }
  for (const member of place.all()) {
    const advice = nameFault(member.key);
    if (advice !== undefined) member.keyFault(`${member.name} is not possible here: ${advice}.`);
    if (isScalar(member)) templateOf(member);
  }
  return place.value;
}

function isScalar(place: Place): boolean {
  const { value } = place;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return true;
  place.wrong("a text");
  return false;
}
