/** Drafts in the browser's database: one for each tab and function. They never leave the browser before a deploy. */
import type { Files } from "./source.ts";

export interface Draft {
  readonly function: string;
  readonly tab: string;
  /** The version on which it is based. */
  readonly current: number;
  readonly files: Files;
  readonly entry?: string;
  /** The file that was shown. */
  readonly shown: string;
  readonly savedAt: number;
}

const [DATABASE, STORE, INDEX] = ["skiff", "drafts", "function"];
/** Drafts that nobody asked for are removed. */
const KEPT_MS = 60 * 86_400_000;

let opening: Promise<IDBDatabase> | undefined;

/** @throws DOMException if the browser keeps nothing here */
export async function putDraft(draft: Draft): Promise<void> {
  await change((store) => store.put(draft));
}

export async function removeDraft({ function: name, tab }: Pick<Draft, "function" | "tab">): Promise<void> {
  await change((store) => store.delete([name, tab]));
}

/** Returns the drafts of a function of all tabs, newest first. */
export async function draftsOf(name: string): Promise<Draft[]> {
  const store = (await database()).transaction(STORE).objectStore(STORE);
  const found = (await result(store.index(INDEX).getAll(name))) as Draft[];
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
  opening ??= open();
  return opening;
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore(STORE, { keyPath: ["function", "tab"] });
    store.createIndex(INDEX, "function");
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
