/**
 * Ties what `console` prints to the call during which it is printed, also after awaits and in timers. Direct writes to
 * standard output have no call. It uses the parts of Deno on which AsyncLocalStorage stands: that class takes Deno 4 ms
 * to load, and each call of its `run` takes 200 ns.
 */
import { CALL_ID_HEADER } from "../start-message.ts";
import { type Level, markEntry } from "./marked-entry.ts";

/** What Deno calls the async context; libraries keep theirs in it under keys of their own. */
type AsyncContext = Readonly<Record<symbol, unknown>> | undefined;

interface DenoParts {
  readonly Console: new (print: (text: string, level: number) => void) => Console;
  readonly core: {
    readonly print: (text: string, isError: boolean) => void;
    readonly getAsyncContext: () => AsyncContext;
    readonly setAsyncContext: (context: AsyncContext) => void;
  };
}

/** By the number that Deno gives a level. */
const LEVELS: readonly Level[] = ["debug", "info", "warn", "error", "debug"];
const TRACE = 4;
const SCOPE = Symbol("call");
const CALL_ID = /^[\w.-]{1,64}$/;

/** The call that prints. */
class CallScope {
  readonly request: Request;
  id: string | undefined;

  constructor(request: Request) {
    this.request = request;
  }
}

/** The console of an instance, and the calls that print on it. */
export class CallConsole {
  readonly #parts = partsOfDeno();
  /**
   * Reading a header costs a call more than everything else here, so it is done when something is printed. Deno forgets
   * the headers when the response is sent. A function that printed after that once has its headers read in time.
   */
  #readsEarly = false;

  /** Replaces the methods of the global console. Called before the function is loaded. */
  install(): void {
    const { Console, core } = this.#parts;
    let begun = "";
    const own = new Console((text, number) => {
      // `trace` prints its line break by itself, and `clear` none: there is no screen.
      if (!text.endsWith("\n")) {
        begun = number === TRACE ? text : "";
        return;
      }
      const whole = begun + text.slice(0, -1);
      begun = "";
      const callId = this.callId();
      const tie = callId === undefined ? {} : { callId };
      // All on standard output, which keeps the order. The level says which stream it is for.
      core.print(markEntry({ text: whole, level: LEVELS[number] ?? "error", ...tie }), false);
    });
    for (const [name, value] of Object.entries(own)) {
      if (typeof value === "function") Object.assign(console, { [name]: value });
    }
  }

  /** Begins the part of a call that runs until it first waits. Returns what `leave` takes. */
  enter(request: Request): AsyncContext {
    const { getAsyncContext, setAsyncContext } = this.#parts.core;
    const outside = getAsyncContext();
    const scope = new CallScope(request);
    setAsyncContext({ ...outside, [SCOPE]: scope });
    if (this.#readsEarly) this.#idOf(scope);
    return outside;
  }

  leave(outside: AsyncContext): void {
    this.#parts.core.setAsyncContext(outside);
  }

  /** Returns the id of the call that runs; undefined outside of calls. */
  callId(): string | undefined {
    const scope = this.#parts.core.getAsyncContext()?.[SCOPE];
    return scope instanceof CallScope ? this.#idOf(scope) || undefined : undefined;
  }

  #idOf(scope: CallScope): string {
    scope.id ??= this.#read(scope.request);
    return scope.id;
  }

  #read(request: Request): string {
    try {
      const id = request.headers.get(CALL_ID_HEADER) ?? "";
      return CALL_ID.test(id) ? id : "";
    } catch (error) {
      // Deno throws it for a request that is answered.
      if (!(error instanceof TypeError)) throw error;
      this.#readsEarly = true;
      return "";
    }
  }
}

function partsOfDeno(): DenoParts {
  const deno = Deno as unknown as { readonly internal: symbol } & Record<symbol, DenoParts>;
  return deno[deno.internal]!;
}
