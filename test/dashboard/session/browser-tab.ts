/** What the modules of the session use of a browser: storage, an address and answers of the server. */
export interface BrowserTab {
  /** Answers requests of the page; the path names them. */
  answer: (path: string, init: RequestInit) => Response | Promise<Response>;
  /** The paths of the requests so far. */
  readonly requests: string[];
  /** Sets the address of the page. */
  visit(path: string): void;
  /** Gives the globals of Node back. */
  close(): void;
}

const NAMES = ["localStorage", "sessionStorage", "location", "history", "addEventListener", "fetch"] as const;

/** Puts the globals of a browser tab in place. Import modules of the session after it. */
export function openBrowserTab(): BrowserTab {
  const before = NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  const location = { pathname: "/", search: "", hash: "" };
  const tab: BrowserTab = {
    answer: () => new Response("{}", { status: 500 }),
    requests: [],
    visit: (path) => void Object.assign(location, { search: new URL(path, "http://localhost").search }),
    close() {
      for (const [name, descriptor] of before) {
        if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
        else Object.defineProperty(globalThis, name, descriptor);
      }
    },
  };
  const globals = {
    localStorage: storage(),
    sessionStorage: storage(),
    location,
    history: { state: null, replaceState: () => undefined },
    addEventListener: () => undefined,
    fetch: async (path: string, init: RequestInit = {}) => {
      tab.requests.push(path);
      return await tab.answer(path, init);
    },
  };
  for (const name of NAMES) {
    Object.defineProperty(globalThis, name, { value: globals[name], configurable: true, writable: true });
  }
  return tab;
}

function storage(): Storage {
  const entries = new Map<string, string>();
  return {
    get length() {
      return entries.size;
    },
    key: (index) => [...entries.keys()][index] ?? null,
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => void entries.set(key, value),
    removeItem: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}
