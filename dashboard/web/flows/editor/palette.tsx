import { useState } from "preact/hooks";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { DRAGGED } from "../canvas/flow-canvas.tsx";

/** A step that can be added. */
export interface Template {
  readonly text: string;
  /** What it does. */
  readonly hint: string;
  readonly icon: IconName;
  /** The name that is wished for. */
  readonly name: string;
  readonly members: Readonly<Record<string, unknown>>;
}

/** Everything that a step can do, functions of this Skiff first. */
export function templatesFor(functions: readonly string[], flows: readonly string[]): readonly Template[] {
  const first = functions[0] ?? "hello";
  return [
    ...functions.map(
      (name): Template => ({
        ...{ text: name, hint: "function", icon: "functions", name, members: { fn: name } },
      }),
    ),
    ...(functions.length > 0
      ? []
      : [
          {
            text: "Function",
            hint: "one that is deployed later",
            icon: "functions",
            name: "hello",
            members: { fn: "hello" },
          } satisfies Template,
        ]),
    {
      text: "For each",
      hint: "item of a list",
      icon: "retry",
      name: "each",
      members: { fn: first, each: "input.items" },
    },
    {
      text: "HTTP request",
      hint: "to another server",
      icon: "external",
      name: "request",
      members: { http: "https://example.com/" },
    },
    {
      text: "Publish",
      hint: "an event to a topic",
      icon: "topics",
      name: "publish",
      members: { publish: "events" },
    },
    {
      text: "Command",
      hint: "a program or an image",
      icon: "commands",
      name: "command",
      members: { exec: { cmd: ["date"] } },
    },
    {
      text: "Flow",
      hint: "runs another flow",
      icon: "flows",
      name: "flow",
      members: { flow: flows[0] ?? "other" },
    },
    { text: "Wait", hint: "for a time", icon: "clock", name: "wait", members: { wait: "10s" } },
    {
      ...{ text: "Wait for an event", hint: "of a topic", icon: "topics", name: "event" },
      members: { wait: { event: "events", by: "event.data.id", equals: "input.id" } },
    },
    {
      text: "Approval",
      hint: "waits for a person",
      icon: "check",
      name: "approve",
      members: { approve: "Go on?" },
    },
  ];
}

interface PaletteProps {
  readonly templates: readonly Template[];
  readonly onAdd: (template: Template) => unknown;
  readonly autoFocus?: boolean;
}

/** What can be added: by a click, by keyboard, or dragged to the canvas. */
export function StepPalette({ templates, onAdd, autoFocus = false }: PaletteProps) {
  const [wanted, setWanted] = useState("");
  const found = templates.filter(({ text, hint }) =>
    `${text} ${hint}`.toLowerCase().includes(wanted.trim().toLowerCase()),
  );
  return (
    <div class="step-palette">
      <input
        type="search"
        aria-label="Find a function or an action"
        placeholder="Find a function or an action"
        value={wanted}
        {...(autoFocus && { autofocus: true })}
        onInput={(event) => setWanted(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || found[0] === undefined) return;
          event.preventDefault();
          setWanted("");
          onAdd(found[0]);
        }}
      />
      <ul>
        {found.map((template) => (
          <li key={`${template.text} ${template.hint}`}>
            <button
              type="button"
              draggable
              onDragStart={(event) => event.dataTransfer?.setData(DRAGGED, JSON.stringify(template))}
              onClick={() => onAdd(template)}
            >
              <Icon name={template.icon} />
              <span>{template.text}</span>
              <span class="muted">{template.hint}</span>
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p class="muted">Nothing has this name.</p> : null}
    </div>
  );
}
