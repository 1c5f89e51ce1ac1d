/**
 * Fields as the lines of a message.
 * @param fields names and values in turn; without line breaks, because node's parser or ours has let them through
 */
export function renderFields(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}

/** The same text of bytes, for a piece that is used often: V8 keeps sums of strings as sums, and adds them up at each use. */
export function inOnePiece(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
