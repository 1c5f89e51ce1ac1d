const SUITS = ["clubs", "diamonds", "hearts", "spades"];
const RANKS = ["2", "3", "4", "5", "6", "7", "8", "9", "10", "jack", "queen", "king", "ace"];

function pick<T>(from: readonly T[]): T {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return from[random % from.length] as T;
}

/** GET /draw answers with a random playing card. */
export default {
  fetch(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname !== "/draw") return new Response(`No ${pathname} here: try /draw\n`, { status: 404 });
    return Response.json({ rank: pick(RANKS), suit: pick(SUITS) });
  },
};
