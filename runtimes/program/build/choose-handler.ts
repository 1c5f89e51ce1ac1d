import { Problem } from "../../../platform/problems.ts";
import { type ProgramChoice, type ProgramFiles, SINGLE_FILE } from "./choose-command.ts";
import { isScript, readFirstLine } from "./first-line.ts";
import { needOfCommand } from "./needs.ts";

/** Texts of the programs that serve handlers, by what runs them. */
export interface Adapters {
  readonly node: string;
  readonly python3: string;
}

interface Language {
  readonly program: keyof Adapters;
  /** Path of the adapter among the files. No posted file keeps this name. */
  readonly adapter: string;
  /** The first one is that of a single posted file. */
  readonly endings: readonly string[];
}

const LANGUAGES: readonly Language[] = [
  { program: "node", adapter: ".skiff/adapter.mjs", endings: ["js", "mjs", "cjs"] },
  { program: "python3", adapter: ".skiff/adapter.py", endings: ["py"] },
];

export interface HandlerChoice extends ProgramChoice {
  /** The posted files with the adapter, a single one under the name that the handler gives it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Chooses what runs a handler `file.function`: an adapter for the language of its file, which becomes one of the files.
 * @throws Problem `invalid_setting`
 */
export function chooseHandler(
  { files }: Pick<ProgramFiles, "files">,
  handler: string,
  adapters: Adapters,
): HandlerChoice {
  const dot = handler.lastIndexOf(".");
  const [file, name] = [handler.slice(0, dot), handler.slice(dot + 1)];
  const single = files.size === 1 ? files.get(SINGLE_FILE) : undefined;
  const found = single ? singleFile(file, name, single) : fileOf(files, file);
  const { path, language, contents } = found;
  const { program, adapter } = language;
  const all = new Map(contents ?? files).set(adapter, Buffer.from(adapters[program]));
  return {
    command: [program, `./${adapter}`, `./${path}`, name],
    executables: [],
    needs: [needOfCommand(program, path)],
    files: all,
  };
}

interface Found {
  readonly path: string;
  readonly language: Language;
  /** Set if the file has another path than the posted one. */
  readonly contents?: ReadonlyMap<string, Uint8Array>;
}

function singleFile(file: string, name: string, bytes: Uint8Array): Found {
  const language = languageOf(bytes, name);
  const path = `${file}.${language.endings[0]}`;
  return { path, language, contents: new Map([[path, bytes]]) };
}

/** By the first line, else by how the function is written. */
function languageOf(bytes: Uint8Array, name: string): Language {
  const [node, python] = LANGUAGES as [Language, Language];
  if (isScript(bytes)) {
    const { interpreter, program = interpreter } = readFirstLine(SINGLE_FILE, bytes);
    if (/python[\d.]*$/.test(program)) return python;
    if (/\b(?:node|nodejs|deno|bun)$/.test(program)) return node;
    throw refused(`it has to be JavaScript or Python, and the first line of the file names ${program}.`);
  }
  const isPython = new RegExp(`^(?:async )?def ${name.replaceAll("$", "\\$")}\\s*\\(`, "m");
  return isPython.test(new TextDecoder().decode(bytes)) ? python : node;
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, file: string): Found {
  const found = LANGUAGES.flatMap((language) =>
    language.endings.flatMap((ending) => {
      const path = `${file}.${ending}`;
      return files.has(path) ? [{ path, language }] : [];
    }),
  );
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  const paths = LANGUAGES.flatMap(({ endings }) => endings.map((ending) => `${file}.${ending}`));
  const why =
    second === undefined
      ? `none of ${paths.join(", ")} is a file of the source: name one of its files without the ending.`
      : `${first!.path} and ${second.path} are both there: keep one of them.`;
  throw refused(why);
}

function refused(why: string): Problem {
  return new Problem("invalid_setting", `handler: ${why}`, { setting: "handler" });
}
