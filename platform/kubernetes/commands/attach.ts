import { randomBytes } from "node:crypto";
import type { Duplex, Readable } from "node:stream";
import { encodeFrame, FrameReader, OPCODE } from "../../../client-image/node/web-socket-frames.ts";
import type { Cluster } from "../cluster/api.ts";
import { KINDS, pathOf } from "../cluster/resources.ts";
import { COMMAND_CONTAINER } from "../objects/names.ts";

/** The protocol in which an end of the input can be sent: https://kubernetes.io/blog/2024/08/20/websockets-transition/ */
const PROTOCOL = "v5.channel.k8s.io";
const STDIN = 0;
const CLOSE_CHANNEL = 255;
const CHUNK_BYTES = 32 * 1024;

/**
 * Sends the input of a command to its container, which must run. Resolves when all of it is sent, or when the container
 * takes no more.
 * @throws ApiError, ApiUnreachable if the cluster refuses the connection; the error of `input`; the reason of `signal`
 */
export async function sendInput(
  pod: string,
  input: Readable,
  { api, namespace, signal }: Cluster & { readonly signal: AbortSignal },
): Promise<void> {
  const path = pathOf({ kind: KINDS.pods, namespace, name: pod, subresource: "attach" });
  const query = `container=${COMMAND_CONTAINER}&stdin=true&stdout=false&stderr=false`;
  const socket = await api.upgrade(`${path}?${query}`, {
    headers: {
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
      "sec-websocket-protocol": PROTOCOL,
    },
    signal,
  });
  const end = new AbortController();
  const until = AbortSignal.any([signal, end.signal]);
  const frames = new FrameReader((opcode, payload) => {
    if (opcode === OPCODE.ping) socket.write(encodeFrame(OPCODE.pong, payload));
    if (opcode === OPCODE.close) socket.end();
  });
  socket.on("data", (chunk: Buffer) => frames.read(chunk));
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  void closed.then(() => end.abort());
  try {
    // The input stays open for whoever reads the request, also if the container ends first.
    const chunks = input.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([chunks.next(), aborted(until)]);
      if (!next || next.done || !(await send(socket, Buffer.from(next.value), until))) break;
    }
    if (!until.aborted) socket.write(message(CLOSE_CHANNEL, Buffer.of(STDIN)));
    // The server closes the connection when the container has ended.
    await Promise.race([closed, aborted(signal)]);
    signal.throwIfAborted();
  } finally {
    socket.destroy();
  }
}

/** Returns false if the container takes no more. */
async function send(socket: Duplex, bytes: Buffer, until: AbortSignal): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    if (until.aborted) return false;
    if (!socket.write(message(STDIN, bytes.subarray(at, at + CHUNK_BYTES)))) {
      await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), aborted(until)]);
    }
  }
  return !until.aborted;
}

function message(channel: number, payload: Uint8Array): Uint8Array {
  return encodeFrame(OPCODE.binary, Buffer.concat([Buffer.of(channel), payload]));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
