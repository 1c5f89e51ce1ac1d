/** A problem document (RFC 9457) of Skiff, or another answer with a status of 400 or above. */
export class ApiProblem extends Error {
  readonly status: number;
  /** Of the table in docs/errors.md; undefined if the answer is none of Skiff. */
  readonly code: string | undefined;
  /** The document as Skiff sent it. */
  readonly document: Readonly<Record<string, unknown>>;
  /** What to do next, for a person. */
  readonly hint: string | undefined;

  constructor(status: number, document: Readonly<Record<string, unknown>>, hint?: string) {
    super(String(document.detail ?? document.title ?? `The answer has status ${status}.`));
    this.name = "ApiProblem";
    this.status = status;
    this.code = typeof document.code === "string" ? document.code : undefined;
    this.document = document;
    this.hint = hint;
  }
}

/** Reads the problem from the body of an answer. Text of a proxy becomes the detail. */
export function problemFrom(status: number, body: Uint8Array): ApiProblem {
  const text = new TextDecoder().decode(body);
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null && !Array.isArray(document)) {
      return new ApiProblem(status, { status, ...document });
    }
  } catch {
    // Not JSON: a proxy in front of Skiff answered.
  }
  const shown = text
    .replaceAll(/<[^>]*>|\s+/g, " ")
    .trim()
    .slice(0, 200);
  return new ApiProblem(status, { status, detail: `The server answered ${status}${shown && `: ${shown}`}` });
}
