/** Keeps its own copy of each event. GET lists the last ones. */
const MOST = 1_000;
const events: { id: string; type: string; path: string }[] = [];

export default async function archive(request: Request): Promise<Response> {
  const { headers } = request;
  const id = headers.get("ce-id");
  if (id === null) return Response.json(events);
  // A delivery that is repeated has the id of the first one.
  if (!events.some((event) => event.id === id)) {
    events.push({ id, type: headers.get("ce-type") ?? "", path: new URL(request.url).pathname });
    events.splice(0, events.length - MOST);
  }
  // No content: this group has no reply.
  return new Response(null, { status: 204 });
}
