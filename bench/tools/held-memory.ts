/** Returns the bytes of a process after a garbage collection. */
export async function heldBytes(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector);
  await eventOf(socket, "open");
  try {
    await ask(socket, 1, "HeapProfiler.collectGarbage", {});
    // `external` includes array buffers.
    const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
    const { result } = await ask(socket, 2, "Runtime.evaluate", { expression });
    return result.value;
  } finally {
    socket.close();
  }
}

/** Calls a method of the Chrome DevTools Protocol. */
async function ask(socket: WebSocket, id: number, method: string, params: object) {
  const answer = eventOf(socket, "message") as Promise<MessageEvent<string>>;
  socket.send(JSON.stringify({ id, method, params }));
  const { result, error } = JSON.parse((await answer).data);
  if (error) throw new Error(`${method}: ${error.message}`);
  return result as { readonly result: { readonly value: number } };
}

function eventOf(socket: WebSocket, name: "open" | "message"): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(name, resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error("the inspector did not answer")), { once: true });
  });
}
