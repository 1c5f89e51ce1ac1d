/** Methods of responses of Node, Express and Vercel. The second argument of a handler is a context without them. */
const OF_A_RESPONSE =
  /\.(status|json|send|end|write|writeHead|setHeader|getHeader|sendStatus|sendFile|redirect|render|type|cookie|on) is not a function/;

/** Names the form of a handler that failed because it takes the context for a response of Node. */
export function nodeFormAdvice(error: unknown): string | undefined {
  if (!(error instanceof TypeError) || !OF_A_RESPONSE.test(error.message)) return undefined;
  return (
    "This looks like a handler for Node, (request, response). A handler gets (request, context) and returns a Response. " +
    'To serve it as it is: `import http from "node:http"; http.createServer(handler).listen(3000)`.'
  );
}
