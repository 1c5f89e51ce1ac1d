import { ISOLATIONS, PROGRAM_MODES, RUNTIMES, START_DEFAULTS } from "../../platform/settings/runtime.ts";
import { COMMAND, HANDLER, POOL, RUNTIME_CLASS, START_QUERY } from "../../platform/settings/start.ts";
import { array, FLAG, object, orNull, type Schema, TEXT } from "./schema.ts";

const WORDS = array(TEXT, { minItems: 1, maxItems: COMMAND.words });
const PROGRAM: Readonly<Record<"command" | "mode" | "cgi" | "handler", Schema>> = {
  command: {
    ...WORDS,
    description: "Program and arguments; by default the source or the image determines them",
  },
  mode: {
    enum: PROGRAM_MODES,
    description:
      "call: each call starts the program, with the body as its input. serve: an instance starts it, and it speaks HTTP on $PORT",
  },
  cgi: { ...FLAG, description: "The output begins with a status and headers (RFC 3875)" },
  handler: {
    type: "string",
    maxLength: 253,
    pattern: HANDLER.source,
    description: "file.function of a handler (event, context), such as hello.handler",
  },
};
const NAME: Schema = { type: "string", maxLength: 253 };
const OTHERS = {
  runtime: {
    enum: RUNTIMES,
    default: START_DEFAULTS.runtime,
    description: "What runs the function: Deno, a program of the system, or a container image",
  },
  isolation: {
    enum: ISOLATIONS,
    default: START_DEFAULTS.isolation,
    description: "Whether an instance takes many calls, or one call and is destroyed",
  },
  pool: {
    type: "integer",
    minimum: POOL.least,
    maximum: POOL.most,
    default: START_DEFAULTS.pool,
    description: "With isolation call: unused instances that are kept ready while the function is awake",
  },
  runtimeClass: {
    ...NAME,
    pattern: `^$|${RUNTIME_CLASS.source}`,
    default: START_DEFAULTS.runtimeClass,
    description: "RuntimeClass of its pods on Kubernetes, such as gvisor; empty for that of the cluster",
  },
  pullSecret: {
    ...NAME,
    default: START_DEFAULTS.pullSecret,
    description: "Secret user:password with which its image is pulled; empty for none",
  },
} as const satisfies Record<string, Schema>;

/** The settings that say what is started and how. */
export function startMembers(): Record<string, Schema> {
  const { runtime, ...others } = OTHERS;
  return { runtime, program: object({}, PROGRAM), ...others };
}

/** The same as a merge patch. A command may be one text, which is split as a shell does. */
export function startPatch(): Record<string, Schema> {
  const command = { ...PROGRAM.command, type: ["array", "string"] };
  const program = object({}, patched({ ...PROGRAM, command }));
  const { runtime, ...others } = OTHERS;
  return { ...patched({ runtime }), program: orNull(program), ...patched(others) };
}

function patched(schemas: Readonly<Record<string, Schema>>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, orNull(schema)]));
}

/** The settings as parameters of a query. */
export function startParameters(): Schema[] {
  const parameter = (query: string, schema: Schema, more: Schema = {}) => {
    return { name: query, in: "query", schema, ...more };
  };
  const { runtime, command, mode, stdio, cgi, handler, isolation, pool, runtimeClass, pullSecret } =
    START_QUERY;
  const resets = "default resets it";
  const commandText =
    "Program and arguments, split as a shell does without running one. Given several times, each value is a word";
  return [
    parameter(runtime, OTHERS.runtime),
    parameter(command, array(TEXT), {
      ...{ style: "form", explode: true, example: ["python3 app.py"] },
      description: `${commandText}; ${resets}`,
    }),
    parameter(mode, { enum: [...PROGRAM_MODES, "default"], description: PROGRAM.mode.description }),
    parameter(stdio, { enum: ["0", "1"], description: "1 is mode=call, 0 is mode=serve" }),
    parameter(cgi, { enum: ["0", "1"], description: PROGRAM.cgi.description }),
    parameter(handler, TEXT, { description: `${String(PROGRAM.handler.description)}; ${resets}` }),
    parameter(isolation, OTHERS.isolation),
    parameter(pool, OTHERS.pool),
    parameter(runtimeClass, TEXT, { description: `${OTHERS.runtimeClass.description}; none for none` }),
    parameter(pullSecret, TEXT, { description: `${OTHERS.pullSecret.description}; none for none` }),
  ];
}
