/** Contents by path. */
export type Contents = ReadonlyMap<string, Uint8Array>;

const CONTEXT_LINES = 3;
const MOST_BYTES = 512 * 1024;
/** Changed lines and time until a difference is only named: the work grows with the square of the lines. */
const MOST_EDITS = 2_000;
const MOST_MS = 1_000;
/** Characters of all files together; what follows is only named. */
const MOST_CHARACTERS = 1024 ** 2;

/**
 * Describes how the files of one folder differ from those of another as a unified diff, in the order of their paths.
 * Files that are no text, and those that are large or differ in many lines, are only named. Empty for equal files.
 */
export async function unifiedDiff(before: Contents, after: Contents): Promise<string> {
  const parts: string[] = [];
  let characters = 0;
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, fresh] = [before.get(path), after.get(path)];
    if (old && fresh && isEqual(old, fresh)) continue;
    const names = [old ? `a/${path}` : "/dev/null", fresh ? `b/${path}` : "/dev/null"] as const;
    const shown = characters < MOST_CHARACTERS ? await patchOf(names, textOf(old), textOf(fresh)) : undefined;
    const part = shown ?? `Files ${names[0]} and ${names[1]} differ\n`;
    characters += part.length;
    parts.push(part);
  }
  return parts.join("");
}

/** Whether two folders have the same files. */
export function hasSameFiles(one: Contents, other: Contents): boolean {
  const isInOther = ([path, bytes]: [string, Uint8Array]) => {
    const second = other.get(path);
    return second !== undefined && isEqual(bytes, second);
  };
  return one.size === other.size && [...one].every(isInOther);
}

async function patchOf(
  [oldName, newName]: readonly [string, string],
  old: string | undefined,
  fresh: string | undefined,
): Promise<string | undefined> {
  if (old === undefined || fresh === undefined) return undefined;
  const { createTwoFilesPatch } = await import("diff");
  // With a callback it lets the event loop run between its steps.
  const patch = await new Promise<string | undefined>((callback) => {
    const bounds = { maxEditLength: MOST_EDITS, timeout: MOST_MS };
    const options = { context: CONTEXT_LINES, ...bounds, callback };
    createTwoFilesPatch(oldName, newName, old, fresh, undefined, undefined, options);
  });
  // Removes a rule, and the tabs before times that are not there.
  return patch?.replace(/^=+\n/, "").replace(/^(---|\+\+\+) (.*)\t$/gm, "$1 $2");
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Undefined for bytes that are no text, or too many. */
function textOf(bytes: Uint8Array = new Uint8Array(0)): string | undefined {
  if (bytes.length > MOST_BYTES || bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Text in another encoding, or none.
    return undefined;
  }
}
