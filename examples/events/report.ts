/** Called by the schedule `report`, and by nobody from outside. Its answer is kept with the record of the call. */
export default async function report(request: Request): Promise<Response> {
  const { title } = await request.json();
  const at = request.headers.get("skiff-scheduled-at")!;
  const yesterday = new Date(Date.parse(at) - 86_400_000).toISOString().slice(0, 10);
  return new Response(`# ${title}\n\n${yesterday}: nothing went wrong.\n`, {
    headers: { "content-type": "text/markdown; charset=utf-8" },
  });
}
