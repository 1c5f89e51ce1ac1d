/** Says which browser or program asks. */
export default (request: Request) => `Hello, ${request.headers.get("user-agent") ?? "whoever you are"}!\n`;
