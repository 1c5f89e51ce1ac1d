/** Delivers a text. Support is busy at the first attempt, and `nobody` does not exist. */
const tries = new Map<string, number>();

export default async function deliver(request: Request): Promise<Response> {
  const { to, text } = await request.json();
  if (to === "nobody")
    return Response.json({ code: "unknown_receiver", detail: "Nobody is there." }, { status: 404 });
  const run = `${request.headers.get("skiff-run")} ${to}`;
  const attempt = (tries.get(run) ?? 0) + 1;
  tries.set(run, attempt);
  if (to === "support" && attempt === 1) return new Response("busy", { status: 503 });
  return Response.json({ to, text, attempt });
}
