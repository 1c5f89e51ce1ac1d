/** How the body of an answer is shown. HTML and SVG are shown as their text: a page of a function never runs here. */
export type ShownKind = "empty" | "json" | "text" | "image" | "binary";

/** Most bytes that are shown; the rest can be downloaded. */
export const MOST_SHOWN = 1024 * 1024;

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const TEXT = /^text\/|[/+](json|xml|yaml|javascript|x-ndjson|ecmascript|graphql|x-www-form-urlencoded)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those that no text has
const CONTROL = /[\x00-\x08\x0e-\x1a\x1c-\x1f]/;

/** @param type value of `content-type` */
export function kindOf(type: string | undefined, bytes: Uint8Array): ShownKind {
  if (bytes.length === 0) return "empty";
  const media = mediaType(type);
  if (IMAGES.has(media)) return "image";
  if (/[/+]json$/.test(media)) return "json";
  if (TEXT.test(media)) return "text";
  return looksLikeText(bytes) ? "text" : "binary";
}

export function mediaType(type: string | undefined): string {
  return (type ?? "").split(";")[0]!.trim().toLowerCase();
}

/** Decodes the bytes with the charset of the type; UTF-8 by default. */
export function decodeText(type: string | undefined, bytes: Uint8Array): string {
  const charset = /charset="?([\w-]+)/i.exec(type ?? "")?.[1];
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // A charset that does not exist.
    return new TextDecoder().decode(bytes);
  }
}

/** The text with indentation; as it is if it is not JSON. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** Such as `00000010  48 65 6c 6c 6f 0a  Hello.` */
export function hexDump(bytes: Uint8Array, most = 4_096): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
    const row = bytes.subarray(at, Math.min(at + 16, most));
    const hex = Array.from(row, (each) => each.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(row, (each) => (each > 31 && each < 127 ? String.fromCharCode(each) : ".")).join(
      "",
    );
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}

function looksLikeText(bytes: Uint8Array): boolean {
  try {
    // The end may cut a character in two.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, 4_096), { stream: true });
    return !CONTROL.test(text);
  } catch {
    return false;
  }
}
