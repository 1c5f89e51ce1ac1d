/** The price of an order. More than ten items is an error that no retry mends: 422 is final. */
export default async function check(request: Request): Promise<Response> {
  const { items } = await request.json();
  if (items > 10) {
    return Response.json({ code: "too_many_items", detail: `${items} items are too many.` }, { status: 422 });
  }
  return Response.json({ amount: items * 20 });
}
