/** Drafts in the browser's database: one for each tab and place. They never leave the browser before a deploy. */
export interface Draft<Content> {
  /** What it is a draft of, such as `function/hello`. */
  readonly place: string;
  readonly tab: string;
  readonly content: Content;
  readonly savedAt: number;
}

const [DATABASE, STORE, INDEX] = ["skiff-drafts", "drafts", "place"];
/** Drafts that nobody asked for are removed. */
const KEPT_MS = 60 * 86_400_000;

let opening: Promise<IDBDatabase> | undefined;

/** @throws DOMException if the browser keeps nothing here */
export async function putDraft(draft: Draft<unknown>): Promise<void> {
  await change((store) => store.put(draft));
}

export async function removeDraft({ place, tab }: Pick<Draft<unknown>, "place" | "tab">): Promise<void> {
  await change((store) => store.delete([place, tab]));
}

/** Returns the drafts of a place of all tabs, newest first. */
export async function draftsOf<Content>(place: string): Promise<Draft<Content>[]> {
  const store = (await database()).transaction(STORE).objectStore(STORE);
  const found = (await result(store.index(INDEX).getAll(place))) as Draft<Content>[];
  const old = found.filter(({ savedAt }) => savedAt < Date.now() - KEPT_MS);
  for (const draft of old) await removeDraft(draft);
  return found.filter((draft) => !old.includes(draft)).sort((a, b) => b.savedAt - a.savedAt);
}

async function change(act: (store: IDBObjectStore) => IDBRequest): Promise<void> {
  // Relaxed: a killed tab loses nothing, only a machine that loses its power may.
  const transaction = (await database()).transaction(STORE, "readwrite", { durability: "relaxed" });
  act(transaction.objectStore(STORE));
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

function database(): Promise<IDBDatabase> {
  opening ??= open().catch((error: unknown) => {
    // The next one tries again.
    opening = undefined;
    throw error;
  });
  return opening;
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore(STORE, { keyPath: [INDEX, "tab"] });
    store.createIndex(INDEX, INDEX);
  };
  const opened = await result(request);
  // A newer page changes the database.
  opened.onversionchange = () => {
    opened.close();
    opening = undefined;
  };
  return opened;
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
