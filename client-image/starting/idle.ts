/** Detects that a module has ended without a server. Nothing of the runtime keeps the event loop alive until then. */

/** What would keep the event loop alive. */
export interface Referenced {
  ref(): void;
  unref(): void;
}

/** Standard input with the methods that Deno uses for `process.stdin`. */
export function standardInput(): Referenced {
  const symbols = Object.getOwnPropertySymbols(Object.getPrototypeOf(Deno.stdin));
  const method = (name: string) => {
    const symbol = symbols.find(({ description }) => description === name);
    if (symbol === undefined) throw new Error(`Deno.stdin has no method ${name}`);
    return (Deno.stdin as unknown as Record<symbol, () => void>)[symbol]!.bind(Deno.stdin);
  };
  return { ref: method("REF"), unref: method("UNREF") };
}

/** Calls `onIdle` when nothing is under way any more. Returns a function that ends this. */
export function watchIdle(kept: readonly Referenced[], onIdle: () => void): () => void {
  for (const each of kept) each.unref();
  globalThis.addEventListener("beforeunload", onIdle);
  return () => {
    globalThis.removeEventListener("beforeunload", onIdle);
    for (const each of kept) each.ref();
  };
}
