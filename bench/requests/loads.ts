/** The requests that people send, and the functions that they call. */

const JSON_BODY = JSON.stringify({ user: "ada", items: [], note: "x".repeat(982) });
const LONG_BODY = "0123456789".repeat(1_024);
const PAGE = "<p>skiff</p>\n".repeat(1_576);

/** The functions: each is a handler, and refuses a body that is not the one that was sent. */
export const HANDLERS: Readonly<Record<string, string>> = {
  hi: `() => new Response("hi")`,
  json: `async (request) => {
    if (request.method === "GET") return new Response("hi");
    const { user, note } = await request.json();
    return user === "ada" && note.length === 982 ? new Response("hi") : new Response("wrong", { status: 400 });
  }`,
  long: `async (request) => {
    const text = await request.text();
    return text.length === ${LONG_BODY.length} ? new Response("hi") : new Response("wrong", { status: 400 });
  }`,
  page: `() => new Response(${JSON.stringify(PAGE)}, { headers: { "content-type": "text/html" } })`,
  stream: `() => {
    let left = 16;
    return new Response(new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(64 * 1024).fill(97));
        else controller.close();
      },
    }));
  }`,
};

const BROWSER = [
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
  "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "accept-language: en-GB,en;q=0.9,de;q=0.8",
  "accept-encoding: gzip, deflate, br, zstd",
  "referer: https://app.example.com/orders?page=2",
  "origin: https://app.example.com",
  'sec-ch-ua: "Chromium";v="143", "Not A(Brand";v="24"',
  'sec-ch-ua-platform: "Linux"',
  "sec-fetch-site: same-origin",
  "sec-fetch-mode: cors",
  "sec-fetch-dest: empty",
  "cookie: session=5f2b6c1e9a7d4e38b0c1; theme=dark; _ga=GA1.2.1234567890.1700000000; consent=yes",
];

export interface Load {
  readonly what: string;
  readonly handler: string;
  readonly headers?: readonly string[];
  /** Undefined for GETs. */
  readonly body?: string;
  /** Only every n-th request has the body; 1 by default. */
  readonly every?: number;
  /** Size of an answer's body, in bytes. */
  readonly answer?: number;
  /** Least part of nginx's rate. */
  readonly target: number;
}

const AS_JSON = [...BROWSER, "content-type: application/json"];
export const LOADS: readonly Load[] = [
  { what: "GET without headers", handler: "hi", target: 0.75 },
  { what: "GET of a browser", handler: "hi", headers: BROWSER, target: 0.75 },
  { what: "POST of 1 KB of JSON", handler: "json", headers: AS_JSON, body: JSON_BODY, target: 0.65 },
  {
    what: "one POST in three",
    handler: "json",
    headers: AS_JSON,
    body: JSON_BODY,
    every: 3,
    target: 0.65,
  },
  { what: "POST of 10 KB", handler: "long", headers: BROWSER, body: LONG_BODY, target: 0.6 },
  { what: "answer of 20 KB", handler: "page", headers: BROWSER, answer: PAGE.length, target: 0.75 },
  { what: "answer of 1 MiB in chunks", handler: "stream", headers: BROWSER, answer: 1024 ** 2, target: 0.9 },
];
