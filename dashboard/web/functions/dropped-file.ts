import { signal } from "@preact/signals";

/** A file that somebody dropped on the start page, for the page of a new function. That page takes it once. */
export const droppedFile = signal<File | undefined>(undefined);
