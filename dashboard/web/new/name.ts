const NAME = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/;
const LONGEST = 52;

/** Returns what is wrong with the name of a new function; undefined if nothing is. */
export function nameFault(name: string, taken: ReadonlySet<string>): string | undefined {
  if (name === "") return "Type a name.";
  if (taken.has(name)) return "There is a function with this name.";
  if (name.length > LONGEST) return `A name has at most ${LONGEST} characters.`;
  const [wrong] = /[^a-z0-9-]/u.exec(name) ?? [];
  if (wrong !== undefined) {
    return `A name has lower-case letters of a-z, digits and -, not ${wrong === " " ? "spaces" : `“${wrong}”`}.`;
  }
  if (!/^[a-z]/.test(name)) return "A name starts with a lower-case letter of a-z.";
  return NAME.test(name) ? undefined : "A name does not end with -.";
}

/** Returns a free name: the wanted one, or with a number behind it. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const base = asName(wanted);
  let name = base;
  for (let number = 2; taken.has(name); number++) name = `${base}-${number}`;
  return name;
}

/** Returns a file or folder name as the name of a function. */
function asName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/\.[^/]*$/, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, LONGEST - 4)
    .replace(/-+$/, "");
  return name === "" ? "function" : name;
}
