/**
 * Returns a new id of a call: 32 hexadecimal digits in the form of a UUIDv7 (RFC 9562), which grow with time.
 * @param now milliseconds since 1970
 * @param random from 0 to below 1
 */
export function newCallId(now: number, random: () => number): string {
  const time = Math.floor(now).toString(16).padStart(12, "0").slice(-12);
  const variant = (8 + Math.floor(random() * 4)).toString(16);
  return `${time}7${digits(3, random)}${variant}${digits(7, random)}${digits(8, random)}`;
}

/** @param count at most 8 */
function digits(count: number, random: () => number): string {
  return Math.floor(random() * 16 ** count)
    .toString(16)
    .padStart(count, "0");
}
