/** The worker of the flow editor: reads, checks, lays out and changes texts, so that keystrokes never wait for it. */
import { parse } from "yaml";
import { convertKlusterfuck } from "../../../../platform/flows/convert/klusterfuck.ts";
import { flowSchema } from "../../../../platform/flows/definition/schema/flow-schema.ts";
import { applyEdit } from "../document/edit.ts";
import { completionsAt } from "./completion.ts";
import type { Answer, Request, TaskName, Tasks } from "./messages.ts";
import { checkText, placesOf } from "./outline.ts";
import { sentBy } from "./sample.ts";

const TASKS: { readonly [Name in TaskName]: (input: Tasks[Name]["gets"]) => Tasks[Name]["answers"] } = {
  check: ({ text, name }) => checkText(text, name),
  place: placesOf,
  edit: ({ text, edit }) => applyEdit(text, edit),
  complete: ({ text, offset, names }) => completionsAt(text, offset, names) ?? null,
  schema: () => flowSchema(),
  send: ({ members, sample }) => sentBy(members, sample),
  convert: ({ json, name }) => convertKlusterfuck(JSON.parse(json), { name }),
  read: (text) => parse(text, { version: "1.2" }) as unknown,
};

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  const { id, task, input } = data;
  postMessage(answerTo(id, () => (TASKS[task] as (input: unknown) => unknown)(input)));
});

function answerTo(id: number, work: () => unknown): Answer {
  try {
    return { id, answer: work() };
  } catch (error) {
    return { id, fault: error instanceof Error ? error.message : String(error) };
  }
}
