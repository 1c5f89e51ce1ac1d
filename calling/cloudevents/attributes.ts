import { Problem } from "../../platform/problems.ts";
import { encodeHeaderValue } from "./header-values.ts";

/** Context attributes of an event in their text form, by name. */
export type Attributes = Readonly<Record<string, string>>;

/** Most bytes of all attributes together, as header fields of the request to a function. */
const MOST_BYTES = 16 * 1024;
/** CloudEvents 1.0, naming conventions. `data` is the name of a member in JSON. */
const NAME = /^(?!data$|data_base64$|specversion$)[a-z0-9]{1,64}$/;
/** Texts have no control characters and no lone surrogates (CloudEvents 1.0, type system). */
const FORBIDDEN = /\p{Cc}|\p{Cs}/u;
/** It is the Content-Type of the request to a function. */
const MEDIA_TYPE = /^[\x20-\x7e]+$/;
/** RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

export function invalidEvent(detail: string): Problem {
  return new Problem("invalid_request", detail);
}

/** @throws Problem `invalid_request` for a name or a value that CloudEvents 1.0 does not allow */
export function checkAttributes(attributes: Attributes): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(attributes)) {
    if (!NAME.test(name)) {
      const rule = "use 1 to 64 characters of a-z and 0-9";
      throw invalidEvent(`"${shorten(name)}" is not a valid name of an attribute: ${rule}.`);
    }
    if (FORBIDDEN.test(value))
      throw invalidEvent(`The attribute ${name} has control characters: send text without them.`);
    bytes += name.length + encodeHeaderValue(value).length;
  }
  if (bytes > MOST_BYTES) {
    const most = `${MOST_BYTES} bytes as header fields`;
    throw invalidEvent(
      `The attributes of an event may have ${most}, and these have ${bytes}: move some to the data.`,
    );
  }
  for (const name of ["id", "source", "type"]) {
    if (attributes[name] === "") throw invalidEvent(`The attribute ${name} is empty: give it a value.`);
  }
  const { time, datacontenttype } = attributes;
  if (datacontenttype !== undefined && !MEDIA_TYPE.test(datacontenttype)) {
    throw invalidEvent(
      `datacontenttype is "${shorten(datacontenttype)}": use a media type such as application/json.`,
    );
  }
  if (time !== undefined && !(TIME.test(time) && Number.isFinite(Date.parse(time)))) {
    throw invalidEvent(`time is "${shorten(time)}": use a time such as 2026-11-29T14:00:00Z.`);
  }
}

export function shorten(text: string): string {
  return text.replaceAll(/\p{C}+/gu, " ").slice(0, 80);
}
