import { Problem } from "../problems.ts";

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME_LENGTH = 253;
/** Programs read a name that ends with a number as an address: 127.1, 0x7f000001. */
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/;

/** Returns true for a host name that a function can have (RFC 1123), in lower case and without a port. */
export function isHostName(text: string): boolean {
  const labels = text.split(".");
  const isName = text.length <= NAME_LENGTH && labels.every((label) => LABEL.test(label));
  return isName && !NUMBER.test(labels.at(-1)!) && text !== "localhost";
}

/** A function and its host names. */
interface Named {
  readonly name: string;
  readonly hosts?: readonly string[];
}

/** @throws Problem `host_taken` if another function than `name` has one of the host names */
export function checkHostsFree(name: string, hosts: readonly string[], functions: Iterable<Named>): void {
  if (hosts.length === 0) return;
  for (const other of functions) {
    const taken = other.name === name ? undefined : other.hosts?.find((host) => hosts.includes(host));
    if (taken !== undefined) throw hostTaken(taken, other.name);
  }
}

export function hostTaken(host: string, owner: string): Problem {
  const detail = `The host name ${host} belongs to the function "${owner}": remove it there, or choose another.`;
  return new Problem("host_taken", detail, { setting: "hosts" });
}
