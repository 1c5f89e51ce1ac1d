/** One row. Number 13 always fails. */
export default async function row(request: Request): Promise<Response> {
  const { id, value } = await request.json();
  if (id === 13) return Response.json({ code: "unlucky", detail: "Number 13 fails." }, { status: 500 });
  return Response.json({ id, half: value / 2 });
}
