/** A message of the parser may quote the text. */
const FAULT_LENGTH = 200;
/** A token in a longer text is quoted without its place: to find it the text is parsed several times. */
const MOST_SEARCHED = 64 * 1024;

/** Parses JSON. The fault names the line and the column, from 1. */
export function parseInput(text: string): { readonly json: unknown } | { readonly fault: string } {
  const read = parsed(text);
  if ("json" in read) return read;
  const { message } = read;
  const [placed, at] = /(?: in JSON)? at position (\d+).*$/.exec(message) ?? [];
  if (placed !== undefined)
    return { fault: `${message.slice(0, -placed.length)}${placeOf(text, Number(at))}` };
  if (message.startsWith("Unexpected end")) return { fault: `${message}${placeOf(text, text.length)}` };
  const [token] = text.length > MOST_SEARCHED ? [] : (/^Unexpected token '.*?'/su.exec(message) ?? []);
  if (token === undefined) return { fault: message.slice(0, FAULT_LENGTH) };
  return { fault: `${token}${placeOf(text, placeOfToken(text))}` };
}

function parsed(text: string): { readonly json: unknown } | { readonly message: string } {
  try {
    return { json: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return { message: error.message };
    throw error;
  }
}

/** A text that is cut before the token ends too early, and has no other fault. */
function placeOfToken(text: string): number {
  let [valid, broken] = [0, text.length];
  while (broken - valid > 1) {
    const middle = Math.floor((valid + broken) / 2);
    const read = parsed(text.slice(0, middle));
    if ("message" in read && read.message.startsWith("Unexpected token")) broken = middle;
    else valid = middle;
  }
  return valid;
}

function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split("\n");
  return ` at line ${lines.length} column ${lines.at(-1)!.length + 1}`;
}
