/** Bodies over 64 KiB, which would make rows slow. A reference to one in a call or an event keeps it. */
export interface Bodies {
  /**
   * Stores a body as it comes. Durable when it resolves; removed after an hour unless a call or an event refers to it by then.
   * @throws whatever `parts` throws, and Problem `body_too_large` over `mostBytes`; nothing is kept then
   */
  write(parts: AsyncIterable<Uint8Array>, mostBytes: number): Promise<StoredBody>;
  /** Removes a body now if nothing refers to it. */
  remove(body: StoredBody): Promise<void>;
  /** The bytes of a stored body. Throws Error if it is gone. */
  read(body: StoredBody): AsyncIterable<Uint8Array>;
}

/** Bodies up to this size are in the row. */
export const INLINE_BYTES = 64 * 1024;

/** Up to 64 KiB are in the row; more are in `Bodies`. */
export type StoredBody = { readonly inline: Uint8Array } | { readonly id: string; readonly bytes: number };

export const EMPTY_BODY: StoredBody = { inline: new Uint8Array() };
