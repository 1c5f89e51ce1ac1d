const descriptor = Object.getOwnPropertyDescriptor(globalThis, "Response");

/**
 * Returns the Response that Deno serves. Programs replace the global: @hono/node-server does. Deno loads the class when
 * it is first read, which would delay the start.
 */
export function nativeResponse(): typeof Response {
  return descriptor?.get ? descriptor.get.call(globalThis) : descriptor?.value;
}
