/** Quotes a text for a shell, where it needs that. */
export function shellQuoted(text: string): string {
  return /^[-\w./:=@%+,]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
