import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One request; the method `WS` opens a WebSocket, sends the body and takes the first message as the answer. */
export interface CorpusRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One module or project, what is sent to it, and how the answers are judged. */
export interface CorpusEntry {
  readonly title: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly requests: readonly CorpusRequest[];
  /**
   * How Deno runs the entry: `run` and `serve` are `deno run` and `deno serve`. `call` serves the function that the module
   * exports, as Deno itself does not.
   */
  readonly deno: "run" | "serve" | "call";
  /** Path of the main module under Deno; Skiff has to find it. */
  readonly main: string;
  /** Further flags of Deno, where Skiff knows more than Deno does by default. */
  readonly flags: readonly string[];
  /** Settings of the deploy, as a query. */
  readonly settings: string;
  readonly archive: "tar" | "zip";
  /** The deploy fails, with a detail that matches. Deno is not asked. */
  readonly refused?: RegExp;
  /** The bodies that Skiff answers with, where Deno has no such form of a module. Deno is not asked. */
  readonly answers?: readonly string[];
  /** What the function's log contains after the requests. */
  readonly log?: RegExp;
}

const ENTRIES = fileURLToPath(new URL("entries/", import.meta.url));
const REQUEST = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|WS) (\/\S*)(?: (.*))?$/;
const FIELD = /^(deno|main|flags|settings|archive|refused|answer|log): (.*)$/;

/** The entries by kind. Each kind is a text file, in the form that test/corpus/entries/README.md describes. */
export function readCorpus(): ReadonlyMap<string, readonly CorpusEntry[]> {
  const kinds = readdirSync(ENTRIES).filter((file) => file.endsWith(".txt"));
  return new Map(
    kinds.sort().map((file) => {
      const [, ...texts] = readFileSync(join(ENTRIES, file), "utf8").split(/^=== /m);
      return [basename(file, ".txt").replaceAll("-", " "), texts.map(parseEntry)];
    }),
  );
}

function parseEntry(text: string): CorpusEntry {
  const [head = "", ...parts] = text.split(/^--- /m);
  const [title = "", ...lines] = head.trim().split("\n");
  const fields = new Map<string, string[]>();
  const requests: { method: string; path: string; body?: string; headers: Record<string, string> }[] = [];
  for (const line of lines) {
    const [, method, path, body] = REQUEST.exec(line) ?? [];
    const [, field, value = ""] = FIELD.exec(line) ?? [];
    const [, header, content = ""] = /^ {2}([\w-]+): (.*)$/.exec(line) ?? [];
    if (method) requests.push({ method, path: path!, ...(body === undefined ? {} : { body }), headers: {} });
    else if (header) requests.at(-1)!.headers[header] = content;
    else if (field) fields.set(field, [...(fields.get(field) ?? []), value]);
    else throw new Error(`${title}: cannot read the line ${JSON.stringify(line)}`);
  }
  const files = Object.fromEntries(parts.map(parseFile));
  const field = (name: string) => fields.get(name)?.[0];
  const pattern = (name: "refused" | "log") => {
    const value = field(name);
    return value === undefined ? {} : { [name]: new RegExp(value) };
  };
  const answers = fields.get("answer");
  return {
    title,
    files,
    requests: requests.length > 0 ? requests : [{ method: "GET", path: "/", headers: {} }],
    deno: (field("deno") ?? "call") as CorpusEntry["deno"],
    main: field("main") ?? Object.keys(files).find((path) => /^main\.[jt]sx?$/.test(path)) ?? "",
    flags: field("flags")?.split(" ") ?? [],
    settings: field("settings") ?? "",
    archive: (field("archive") ?? "tar") as CorpusEntry["archive"],
    ...pattern("refused"),
    ...pattern("log"),
    ...(answers ? { answers } : {}),
  };
}

function parseFile(text: string): [string, string | Uint8Array] {
  const end = text.indexOf("\n");
  const [, path = "", encoding] = /^(.*?)( hex)?$/.exec(text.slice(0, end)) ?? [];
  const content = text.slice(end + 1).replace(/\n+$/, "\n");
  return [path, encoding ? Buffer.from(content.trim(), "hex") : content];
}
