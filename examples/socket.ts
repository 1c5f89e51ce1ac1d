/** Answers each message of a WebSocket. Other requests get a hint. */
export default (request: Request) => {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("Open a WebSocket here\n", { status: 426, headers: { upgrade: "websocket" } });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => socket.send("hello");
  socket.onmessage = ({ data }) => socket.send(`you sent ${data}`);
  return response;
};
