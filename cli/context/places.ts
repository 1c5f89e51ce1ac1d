import { UsageError } from "../usage-error.ts";
import type { ContextFile } from "./context-file.ts";

/** A Skiff and how to reach it. */
export interface Place {
  /** Base of its API, without a slash at the end. */
  readonly url: string;
  /** The key or token that is sent to it. */
  readonly key?: string;
  /** The context that it comes from. */
  readonly context?: string;
}

export interface PlaceOptions {
  /** `--url`. */
  readonly url?: string | undefined;
  /** `--context`. */
  readonly context?: string | undefined;
}

export const DEFAULT_URL = "http://127.0.0.1:8080";

/**
 * Chooses the Skiff of a command: `--url` or `--context`, `SKIFF_URL`, the current context, and the default. A key of a
 * context is only sent to the address of that context.
 * @throws UsageError
 */
export function choosePlace(
  file: ContextFile,
  options: PlaceOptions,
  env: Readonly<Record<string, string | undefined>>,
): Place {
  if (options.url !== undefined && options.context !== undefined) {
    throw new UsageError("--url and --context both choose a Skiff: give one of them.");
  }
  const name = options.context ?? file.current;
  const given = options.url ?? (options.context === undefined ? env.SKIFF_URL || undefined : undefined);
  if (given !== undefined) {
    const url = checkUrl(given);
    const [context, known] = Object.entries(file.contexts).find(([, each]) => each.url === url) ?? [];
    return placeOf(url, env.SKIFF_KEY || known?.key, context);
  }
  if (name === undefined) return placeOf(DEFAULT_URL, env.SKIFF_KEY || undefined, undefined);
  const chosen = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  if (chosen === undefined) throw unknownContext(name, file);
  return placeOf(chosen.url, env.SKIFF_KEY || chosen.key, name);
}

function placeOf(url: string, key: string | undefined, context: string | undefined): Place {
  return { url, ...(key === undefined ? {} : { key }), ...(context === undefined ? {} : { context }) };
}

export function unknownContext(name: string, { contexts }: ContextFile): UsageError {
  const known = Object.keys(contexts).sort();
  const advice =
    known.length === 0 ? "Add it with `skiff context add NAME URL`." : `Known: ${known.join(", ")}.`;
  return new UsageError(`There is no context "${name}". ${advice}`);
}

/** Returns the base of a Skiff's API. @throws UsageError */
export function checkUrl(text: string): string {
  const withScheme = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new UsageError(`${text} is not the address of a Skiff: use one like https://skiff.example.com.`);
  }
  return url.href.replace(/\/+$/, "");
}
