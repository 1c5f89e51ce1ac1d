/** Answers each event of the topic `test` with `pong`. Whoever waits at the gateway gets the answer. */
export default function ping(): Response {
  return new Response("pong");
}
