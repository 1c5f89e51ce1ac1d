/** Prints a mail instead of sending it. GET shows the last ones. */
const sent: { to: string; text: string }[] = [];

export default async function mail(request: Request): Promise<Response> {
  if (request.method === "GET") return Response.json(sent);
  const { to, text } = await request.json();
  console.log(`to ${to}: ${text}`);
  sent.push({ to, text });
  sent.splice(0, sent.length - 100);
  return Response.json({ sent: true });
}
