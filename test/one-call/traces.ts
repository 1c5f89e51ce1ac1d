/** What a call leaves behind, and what the next call of the same function sees of it. */
export interface Runtime {
  readonly name: string;
  /** Settings besides `isolation=call`, as a query. */
  readonly query: string;
  /** The source of a function that leaves traces at `/leave`, and answers `/look` with what it sees, as JSON. */
  readonly source: string | Uint8Array;
}

/** What `/look` answers. */
export interface Seen {
  readonly file: boolean;
  readonly environment: boolean;
  readonly port: boolean;
  readonly memory: boolean;
  /** A process or thread of an earlier call is alive. */
  readonly process: boolean;
}

export const UNSEEN: Seen = { file: false, environment: false, port: false, memory: false, process: false };

export const DENO: Runtime = {
  name: "deno",
  query: "env=LEFT=nothing",
  source: `
    const path = Deno.env.get("TMPDIR") + "/left";
    const socket = Deno.env.get("TMPDIR") + "/left.sock";
    const isThere = async (find) => {
      try {
        await find();
        return true;
      } catch {
        return false;
      }
    };
    export default async (request) => {
      if (new URL(request.url).pathname === "/leave") {
        globalThis.left = true;
        Deno.env.set("LEFT", "here");
        await Deno.writeTextFile(path, "here");
        // TCP ports need a permission that no function has.
        globalThis.listener = Deno.listen({ transport: "unix", path: socket });
        const code = 'setInterval(() => Deno.writeTextFileSync("' + path + '.beat", String(Date.now())), 5)';
        const worker = new Worker("data:text/javascript," + encodeURIComponent(code), { type: "module" });
        while (!(await isThere(() => Deno.stat(path + ".beat")))) await new Promise((resolve) => setTimeout(resolve, 5));
        return "left";
      }
      const port = await isThere(async () => (await Deno.connect({ transport: "unix", path: socket })).close());
      return Response.json({
        file: await isThere(() => Deno.stat(path)),
        environment: Deno.env.get("LEFT") === "here",
        port,
        memory: globalThis.left === true,
        process: await isThere(() => Deno.stat(path + ".beat")),
      });
    };
  `,
};
