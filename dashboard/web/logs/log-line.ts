/** A line as the API sends it. */
export interface LogLine {
  readonly at: string;
  readonly function?: string;
  readonly version?: number;
  readonly instance: string;
  readonly stream: string;
  readonly level: string;
  readonly callId?: string;
  readonly status?: number;
  readonly text: string;
  /** Absent if the line is not kept. */
  readonly id?: string;
}

/** Colours of terminals, which mean nothing here. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character
const COLOURS = /\u001b\[[\d;]*[A-Za-z]/g;

export function plainText({ text }: LogLine): string {
  return text.includes("\u001b") ? text.replace(COLOURS, "") : text;
}

/** The columns of the text form of the API. */
export function lineAsText(line: LogLine): string {
  const { at, version, instance, stream, level, callId } = line;
  const columns = [
    at,
    version === undefined ? "-" : `v${version}`,
    instance || "-",
    stream,
    level,
    callId ?? "-",
  ];
  return `${columns.join(" ")} ${plainText(line)}`;
}
