/** The rows of the night. */
export default function rows(): Response {
  return Response.json(Array.from({ length: 1_000 }, (_, id) => ({ id, value: id * 2 })));
}
