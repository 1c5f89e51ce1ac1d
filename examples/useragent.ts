/** Greets the browser or program by its User-Agent. */
export default (request: Request) => `Hello, ${request.headers.get("user-agent") ?? "whoever you are"}!\n`;
