import { Document, isMap } from "yaml";
import { ConversionFault, type Model, type ModelNode, readModel } from "./klusterfuck-model.ts";
import { resourceName, StepNames, serviceOf } from "./names.ts";

export interface ConversionOptions {
  /** Name of the flow; by default that of the Klusterfuck flow, or `flow`. */
  readonly name?: string | undefined;
  /** Names of functions here, by their ids in Klusterfuck. Without one the name of its service is taken, then that in the editor. */
  readonly functions?: Readonly<Record<string, string>> | undefined;
  /** Names of connectors by their ids in Klusterfuck, such as `http`. Without one the text in the editor is taken. */
  readonly connectors?: Readonly<Record<string, string>> | undefined;
}

export interface Conversion {
  /** YAML. */
  readonly text: string;
  /** What has another meaning here, was guessed or was left out. Sentences. */
  readonly warnings: readonly string[];
}

type TriggerKind = "http" | "topic" | "cron";

/** Makes the text of a flow of the JSON of Klusterfuck. Throws `ConversionFault`. */
export function convertKlusterfuck(value: unknown, options: ConversionOptions = {}): Conversion {
  const warnings: string[] = [];
  const model = readModel(value, (warning) => warnings.push(warning));
  if (!model.nodes.some(({ category }) => category === "fn")) {
    throw new ConversionFault("The flow has no functions, so that nothing is left to run.");
  }
  const converter = new Converter(model, options, warnings);
  const flow = {
    flow: options.name ?? resourceName(model.name ?? "") ?? "flow",
    ...converter.triggers(),
    steps: converter.steps(),
  };
  return { text: textOf(flow), warnings };
}

class Converter {
  readonly #model: Model;
  readonly #options: ConversionOptions;
  readonly #warnings: string[];
  /** By id of the node. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #kinds: ReadonlyMap<string, TriggerKind | undefined>;

  constructor(model: Model, options: ConversionOptions, warnings: string[]) {
    this.#model = model;
    this.#options = options;
    this.#warnings = warnings;
    const names = new StepNames();
    const functions = model.nodes.filter(({ category }) => category === "fn");
    this.#names = new Map(functions.map((node) => [node.id, names.of(node)]));
    const connectors = model.nodes.filter(({ category }) => category === "connector");
    this.#kinds = new Map(connectors.map((node) => [node.id, this.#kindOf(node)]));
  }

  triggers(): { readonly on?: Readonly<Record<string, unknown>> } {
    const on: Record<string, unknown> = {};
    for (const node of this.#model.nodes) {
      const kind = this.#kinds.get(node.id);
      if (kind === "http") on.http = { access: "public" };
      if (kind === "topic") on.topic = this.#topic(node);
      if (kind === "cron")
        this.#warn(`Connector \`${nameOf(node)}\`: write its times as \`on.cron\`; Klusterfuck keeps none.`);
    }
    this.#warnOfSameKinds();
    return Object.keys(on).length === 0 ? {} : { on };
  }

  steps(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#names].map(([id, name]) => [name, this.#step(this.#node(id))]));
  }

  #step(node: ModelNode): Readonly<Record<string, unknown>> {
    const before = this.#before(node.id);
    const needs = before.flatMap((id) => this.#names.get(id) ?? []);
    const name = this.#names.get(node.id)!;
    if (before.length === 0)
      this.#warn(`Step \`${name}\` had no link to it, so that it never ran. Here it runs first.`);
    if (needs.length > 1) {
      this.#warn(
        `Step \`${name}\` ran once for each of its ${needs.length} links. Here it waits for all of them, and gets their outputs by name.`,
      );
    }
    const condition = this.#condition(node);
    return {
      fn: this.#functionOf(node, name),
      ...(needs.length === 0 ? {} : { needs }),
      ...(condition === undefined ? {} : { if: condition }),
    };
  }

  /** A step that follows some of several connectors ran for those alone. */
  #condition({ id }: ModelNode): string | undefined {
    const connectors = this.#before(id).filter((each) => this.#kinds.has(each));
    if (connectors.length === 0 || connectors.length === this.#kinds.size) return undefined;
    const kinds = new Set(connectors.map((each) => this.#kinds.get(each)));
    if (kinds.size === new Set(this.#kinds.values()).size) return undefined;
    const known = [...kinds].filter((kind) => kind !== undefined);
    // A run that is begun through the API stands for one of a connector of HTTP.
    const names = known.flatMap((kind) => (kind === "http" ? ["http", "api"] : [kind]));
    return `trigger.kind in ${JSON.stringify(names)}`;
  }

  #functionOf({ ref, url, text }: ModelNode, step: string): string {
    const given = Object.hasOwn(this.#options.functions ?? {}, ref)
      ? this.#options.functions![ref]
      : undefined;
    if (given !== undefined) return given;
    const guessed = serviceOf(url) ?? resourceName(text) ?? resourceName(`function-${ref || step}`)!;
    this.#warn(
      `Step \`${step}\` calls function \`${guessed}\`: that name was taken for function ${ref || "without id"} of Klusterfuck.`,
    );
    return guessed;
  }

  #kindOf(node: ModelNode): TriggerKind | undefined {
    const text = nameOf(node, this.#options.connectors);
    if (/http|rest|web|url/i.test(text)) return "http";
    if (/cron|time|schedul|interval/i.test(text)) return "cron";
    if (/topic|queue|kafka|mqtt?|nats|amqp|rabbit|event|sub/i.test(text)) return "topic";
    this.#warn(`Connector \`${text}\` was left out: write under \`on\` what begins a run.`);
    return undefined;
  }

  #topic(node: ModelNode): string {
    const topic = resourceName(nameOf(node, this.#options.connectors)) ?? "events";
    this.#warn(
      `Connector \`${nameOf(node)}\` became the topic \`${topic}\`: publish there what it delivered.`,
    );
    return topic;
  }

  #warnOfSameKinds(): void {
    const kinds = [...this.#kinds.values()].filter((kind) => kind !== undefined);
    const twice = kinds.filter((kind, index) => kinds.indexOf(kind) !== index);
    for (const kind of new Set(twice)) {
      this.#warn(
        `Several connectors are \`on.${kind}\` here. Tell their steps apart with \`if\`, such as by \`trigger\`.`,
      );
    }
  }

  /** Ids of the nodes before this one, each once. */
  #before(id: string): readonly string[] {
    return [...new Set(this.#model.links.filter(({ to }) => to === id).map(({ from }) => from))];
  }

  #node(id: string): ModelNode {
    return this.#model.nodes.find((node) => node.id === id)!;
  }

  #warn(warning: string): void {
    this.#warnings.push(warning);
  }
}

function nameOf({ text, ref, id }: ModelNode, names: Readonly<Record<string, string>> = {}): string {
  return (Object.hasOwn(names, ref) ? names[ref] : undefined) ?? (text || ref || id);
}

/** One line for each step. */
function textOf(flow: { readonly steps: unknown }): string {
  const document = new Document(flow);
  document.commentBefore = " Converted from a flow of Klusterfuck.";
  const steps = document.get("steps");
  if (isMap(steps)) for (const { value } of steps.items) if (isMap(value)) value.flow = true;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
