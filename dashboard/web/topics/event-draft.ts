import { jsonFault } from "../blocks/json-fault.ts";

/** An event that somebody writes in the form. */
export interface Draft {
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly subject: string;
  /** Lines `name: value`. */
  readonly extensions: string;
  readonly form: "json" | "text";
  readonly data: string;
}

export const EMPTY_DRAFT: Draft = {
  ...{ type: "", source: "", id: "", subject: "", extensions: "" },
  ...{ form: "json", data: "" },
};

export interface DraftFields {
  /** Of a CloudEvent in binary mode. */
  readonly headers: Readonly<Record<string, string>>;
  readonly dataFault: string | undefined;
  readonly extensionFault: string | undefined;
}

/** Returns the header fields of a draft, and what is wrong with it. */
export function fieldsOf({ type, source, id, subject, extensions, form, data }: Draft): DraftFields {
  const lines = extensions.split("\n").filter((line) => line.trim() !== "");
  const pairs = lines.map((line) => /^\s*([a-z0-9]+)\s*[:=]\s*(.*?)\s*$/.exec(line));
  const wrong = lines.find((_, index) => pairs[index] === null);
  const attributes: Readonly<Record<string, string>> = {
    ...{ type, source, id, subject },
    ...Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1]!, pair[2]!]]))),
  };
  const given = Object.entries(attributes).filter(([, value]) => value !== "");
  return {
    headers: {
      "content-type": form === "json" ? "application/json" : "text/plain; charset=utf-8",
      ...Object.fromEntries(given.map(([name, value]) => [`ce-${name}`, percentEncoded(value)])),
    },
    dataFault: form === "json" ? dataFault(data) : undefined,
    extensionFault:
      wrong === undefined
        ? undefined
        : `“${wrong.trim()}” is not an attribute: write lowercase letters and digits, a colon and the value.`,
  };
}

function dataFault(data: string): string | undefined {
  const fault = data.trim() === "" ? undefined : jsonFault(data);
  return fault && `This is not valid JSON: ${fault}`;
}

/** As the HTTP binding of CloudEvents writes what a header field cannot have. */
function percentEncoded(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (character) => encodeURIComponent(character));
}
