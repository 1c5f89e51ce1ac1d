/** Responses of other classes: those of npm:node-fetch, npm:undici and ponyfills. */

interface ForeignResponse {
  readonly status: number;
  readonly statusText?: unknown;
  readonly headers: object;
  readonly body?: unknown;
  readonly bodyUsed?: unknown;
  readonly arrayBuffer?: unknown;
}

/** Statuses whose Response takes no body (Fetch, "null body status"). */
const NULL_BODY = [101, 204, 205, 304];

/** Recognises a Response of another class by its members. */
export function isForeignResponse(value: object): value is ForeignResponse {
  const { status, headers, arrayBuffer } = value as Partial<ForeignResponse>;
  if (typeof status !== "number" || typeof headers !== "object" || headers === null) return false;
  return typeof arrayBuffer === "function" || ("body" in value && "get" in headers);
}

/** Converts it to a native Response, whose body is read as the client takes it. */
export function fromForeign(value: ForeignResponse, Native: typeof Response): Response {
  if (value.bodyUsed === true) {
    throw new TypeError("The function returned a Response whose body was read already");
  }
  const { status } = value;
  const statusText = typeof value.statusText === "string" ? value.statusText : "";
  const body = NULL_BODY.includes(status) ? null : bodyOf(value);
  return new Native(body, { status, statusText, headers: headersOf(value.headers) });
}

function bodyOf(value: ForeignResponse): BodyInit | null {
  const { body } = value;
  if (body === null || typeof body === "string" || body instanceof ReadableStream) return body;
  if (typeof body === "object" && Symbol.asyncIterator in body) {
    return streamOf(body as AsyncIterable<unknown>);
  }
  if (typeof value.arrayBuffer === "function") return streamOf(whole(value as { arrayBuffer(): unknown }));
  return (body as BodyInit | undefined) ?? null;
}

async function* whole(value: { arrayBuffer(): unknown }) {
  yield new Uint8Array((await value.arrayBuffer()) as ArrayBuffer);
}

/** Keeps each Set-Cookie by itself. */
function headersOf(headers: object): Headers {
  const pairs =
    Symbol.iterator in headers ? (headers as Iterable<[string, unknown]>) : Object.entries(headers);
  const all = new Headers();
  for (const [name, value] of pairs) {
    for (const each of Array.isArray(value) ? value : [value]) all.append(name, String(each));
  }
  return all;
}

/** A stream of the bytes of another stream, such as one of Node. */
function streamOf(body: AsyncIterable<unknown>): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else
        controller.enqueue(
          typeof value === "string" ? new TextEncoder().encode(value) : (value as Uint8Array),
        );
    },
    async cancel(reason) {
      await chunks.return?.(reason);
    },
  });
}
