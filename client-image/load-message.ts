import type { StartMessage } from "./start-message.ts";

/** Turns a pod of the pool into an instance. The bundle follows, gzipped if it is large. */
export interface LoadMessage {
  readonly start: StartMessage;
  /** True if the waiting process has the flags of the function and becomes its instance. Otherwise a new one starts. */
  readonly inPlace: boolean;
  /** Folder into which the bundle is unpacked, if it is a project; also the current folder of its process. */
  readonly project?: string;
  /** Arguments of `deno` for this function, for a new process now or after a restart of the container. */
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Header of the request that loads a function into a pod of the pool. */
export const LOAD_HEADER = "x-skiff-load";

const LENGTH_BYTES = 4;

/** Layout: length of the message (4 bytes, big-endian) · the message as JSON · the bundle. */
export function encodeLoad(message: LoadMessage, bundle: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(message));
  const whole = new Uint8Array(LENGTH_BYTES + json.length + bundle.length);
  new DataView(whole.buffer).setUint32(0, json.length);
  whole.set(json, LENGTH_BYTES);
  whole.set(bundle, LENGTH_BYTES + json.length);
  return whole;
}

export function decodeLoad(whole: Uint8Array): { message: LoadMessage; bundle: Uint8Array } {
  const end = LENGTH_BYTES + new DataView(whole.buffer, whole.byteOffset).getUint32(0);
  const json = new TextDecoder().decode(whole.subarray(LENGTH_BYTES, end));
  return { message: JSON.parse(json) as LoadMessage, bundle: whole.subarray(end) };
}
