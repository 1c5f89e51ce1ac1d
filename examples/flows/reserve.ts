/** Reserves items for an order (POST), shows them (GET /ORDER) and frees them again (DELETE /ORDER). */
const reserved = new Map<string, number>();

export default async function reserve(request: Request): Promise<Response> {
  const order = new URL(request.url).pathname.split("/").at(-1)!;
  if (request.method === "GET") return Response.json({ order, items: reserved.get(order) ?? 0 });
  if (request.method === "DELETE") return Response.json({ freed: reserved.delete(order) });
  const { order: id, items } = await request.json();
  reserved.set(id, items);
  return Response.json({ reserved: items });
}
