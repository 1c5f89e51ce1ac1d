/** An answer in a form that two readers can share: without its date, and without the words of a refusal. */
const HEAD = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/;
const DOCUMENT = /^\{[^\n]*\}\n/;

/** Returns the answers of a connection, each as text. The last one may be incomplete. */
export function answersOf(output: string): string[] {
  return output === "" ? [] : output.split(/(?=HTTP\/1\.1 \d{3} )/).map(answerOf);
}

function answerOf(text: string): string {
  const [head, status, fields = ""] = HEAD.exec(text) ?? [];
  if (head === undefined) return text;
  const rest = text.slice(head.length);
  const isLast = /^connection: close\r$/im.test(fields);
  if (/^x-skiff-error: platform\r$/im.test(fields)) {
    const [document = ""] = DOCUMENT.exec(rest) ?? [];
    return `${status}${isLast ? ", close" : ""}${rest.slice(document.length)}`;
  }
  return head.replace(/^Date: .*\r\n/m, "") + rest;
}
