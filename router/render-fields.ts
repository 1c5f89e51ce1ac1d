/**
 * Fields as the lines of a message.
 * @param fields names and values in turn; without line breaks, because node's parser or ours has let them through
 */
export function renderFields(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}
