import { type Loader, type Message, type TsconfigRaw, transform } from "esbuild";
import { Problem } from "../../../../platform/problems.ts";
import { columnOf, longestLine, NO_WARNINGS, startsOfLines } from "./diagnostics.ts";

/**
 * Comments, spaces and escapes can hide `import(` and `require(`. This matches too much rather than too little: it only
 * saves ordinary files the second parse.
 */
const MAY_COMPUTE = /import\s*[(./<]|require|\\u(?:00|\{0*)(?:6[59]|7[125])/;

/** Limit on the characters of lines in esbuild's reports about one file. */
const REPORT_CHARACTERS = 32 * 1024 * 1024;

const NOT_LITERAL = /^This (call|"import")/;

/**
 * Replaces `import()` and `require()` with a computed argument by calls of functions, which do at run time what they can.
 * esbuild would treat `import("./" + x)` as a pattern and search the machine's disk for matching files, past every plugin:
 * no posted code may reach that feature. Lines and columns stay.
 * @throws BuildFailure of esbuild if the code does not parse, Problem `build_failed` if it cannot be checked
 */
export async function defuseComputedImports(
  code: string,
  { loader, file, tsconfig }: { loader: Loader; file: string; tsconfig: TsconfigRaw },
): Promise<string> {
  if (!MAY_COMPUTE.test(code)) return code;
  checkReportSize(code);
  const { warnings } = await transform(code, {
    loader,
    format: "esm",
    sourcefile: file,
    tsconfigRaw: tsconfig,
    logLevel: "silent",
    // Without bundling esbuild reports every computed call, with its place.
    logOverride: {
      ...NO_WARNINGS,
      "unsupported-dynamic-import": "warning",
      "unsupported-require-call": "warning",
    },
  });
  const computed = warnings.filter(({ text }) => NOT_LITERAL.test(text));
  return computed.length === 0 ? code : replaceCalls(code, computed);
}

/** Every report of esbuild repeats the line that it is about: many reports about a long line would fill the memory. */
function checkReportSize(code: string): void {
  let calls = 0;
  for (const _ of code.matchAll(new RegExp(MAY_COMPUTE, "g"))) calls++;
  const longest = longestLine(code);
  if (calls * longest <= REPORT_CHARACTERS) return;
  throw new Problem(
    "build_failed",
    `${calls} uses of import() and require() on lines of up to ${longest} characters are too many to check; post the code with line breaks.`,
  );
}

function replaceCalls(code: string, messages: readonly Message[]): string {
  const places = placesOf(code, messages);
  const names = {
    import: freeName(code, "$", "import".length),
    require: freeName(code, "_", "require".length),
  };
  const parts: string[] = [];
  let done = 0;
  for (const [at, { id, location }] of [...places].sort(([a], [b]) => a - b)) {
    const word = id === "unsupported-dynamic-import" ? "import" : "require";
    const end = at + location!.length;
    if (withoutEscapes(code.slice(at, end)) !== word)
      throw new Error(`esbuild reports ${word} where there is none`);
    parts.push(code.slice(done, at), names[word].padEnd(end - at));
    done = end;
  }
  return `${parts.join("")}${code.slice(done)}
function ${names.import}(specifier, options) { return import(specifier, options); }
function ${names.require}(id) { throw new Error("Cannot find module '" + id + "': only a literal path is bundled"); }
`;
}

/** Decodes the escapes of an identifier. */
function withoutEscapes(text: string): string {
  return text.replace(/\\u\{?([0-9a-f]+)\}?/gi, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}

/**
 * Finds a name that is as long as the word that it replaces, so that columns stay, and that the code does not contain. One
 * pass marks the numbers of all such names in the code: n characters cannot contain n + 1 of them.
 */
export function freeName(code: string, first: string, length: number): string {
  const nameOf = (number: number) => first + number.toString(36).padStart(length - 1, "_");
  const taken = new Uint8Array(code.length + 1);
  for (let at = code.indexOf(first); at >= 0; at = code.indexOf(first, at + 1)) {
    if (code[at + length - 1] === "_") continue;
    const name = code.slice(at, at + length);
    const number = Number.parseInt(name.slice(1).replace(/^_+/, ""), 36);
    if (number < taken.length && nameOf(number) === name) taken[number] = 1;
  }
  return nameOf(taken.indexOf(0));
}

/** Maps the messages by their offset in the code. */
function placesOf(code: string, messages: readonly Message[]): Map<number, Message> {
  const byLine = Map.groupBy(messages, ({ location }) => location!.line);
  const places = new Map<number, Message>();
  let line = 0;
  for (const start of startsOfLines(code)) {
    for (const message of byLine.get(++line) ?? [])
      places.set(start + columnOf(message.location!) - 1, message);
  }
  return places;
}
