import { Problem } from "../../../../../../platform/problems.ts";
import { isObject, type JsonObject } from "./json-file.ts";

/** Options that change what code does, and that Deno applies when it runs it. */
const APPLIED = [
  ...["jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource", "jsxPrecompileSkipElements"],
  ...["experimentalDecorators", "emitDecoratorMetadata", "verbatimModuleSyntax"],
];
/** Values of `jsx` that Deno transforms. The others leave JSX to another tool. */
const JSX_MODES = ["react", "react-jsx", "react-jsxdev", "precompile"];

/** Options that change what code does, and that Deno cannot apply, with the value that does so. */
const REFUSED: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  useDefineForClassFields: (value) =>
    value === false
      ? 'Deno always defines class fields: write "declare" before fields that must not be, and remove the option'
      : undefined,
  moduleSuffixes: (value) =>
    isListOfOther(value) ? "Deno knows no suffixes of modules: import the files themselves" : undefined,
  customConditions: (value) =>
    isListOfOther(value) ? "Deno resolves packages with its own conditions" : undefined,
};

/**
 * Picks the compiler options that change what the code does. Those for checking types are left out.
 * @throws Problem `invalid_source` for one that changes it and that Deno cannot apply
 */
export function readCompilerOptions(options: JsonObject, file: string): JsonObject {
  for (const [key, why] of Object.entries(REFUSED)) {
    const reason = Object.hasOwn(options, key) ? why(options[key]) : undefined;
    if (reason === undefined) continue;
    throw new Problem("invalid_source", `${file}: compilerOptions: ${key} is not supported: ${reason}.`);
  }
  const kept = Object.fromEntries(Object.entries(options).filter(([key]) => APPLIED.includes(key)));
  const { jsx, ...others } = kept;
  if (jsx === undefined || !JSX_MODES.includes(String(jsx))) return others;
  return { ...others, jsx };
}

/** The compiler options of a configuration file. */
export function optionsOf(config: JsonObject, file: string): JsonObject {
  const { compilerOptions = {} } = config;
  if (isObject(compilerOptions)) return compilerOptions;
  throw new Problem("invalid_source", `${file}: compilerOptions must be an object.`);
}

function isListOfOther(value: unknown): boolean {
  return Array.isArray(value) && value.some((each) => each !== "");
}
