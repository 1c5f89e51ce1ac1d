const LINES = 5;
const PAUSE_MS = 500;

/** Streams server-sent events: each one arrives when it is sent, not at the end. */
export default (request: Request) => {
  const events = new ReadableStream<string>({
    async start(controller) {
      for (let line = 1; line <= LINES && !request.signal.aborted; line++) {
        controller.enqueue(`data: ${line} of ${LINES}\n\n`);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      controller.close();
    },
  });
  const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  return new Response(events.pipeThrough(new TextEncoderStream()), { headers });
};
