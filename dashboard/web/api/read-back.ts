import { ApiProblem, asProblem } from "./problem.ts";

/** A write that the API has confirmed, and how to see it. */
export interface Written<T> {
  /** What is certain, such as `Version 3 is stored.` */
  readonly stored: string;
  /** Reads what the page shows. */
  readonly read: () => Promise<T>;
  /** What the API answers instead, such as `its calls go to v4`; undefined if it is what was written. */
  readonly differs: (now: T) => string | undefined;
}

/** Reads back what was written. Returns why the page may not show it, so that no page says "saved" over an old state. */
export async function readBackProblem<T>({
  stored,
  read,
  differs,
}: Written<T>): Promise<ApiProblem | undefined> {
  let now: T;
  try {
    now = await read();
  } catch (error) {
    const { status, message } = asProblem(error);
    const detail = `${stored} It could not be read back, so this page may show an older state: ${message}`;
    return new ApiProblem(status, { code: "not_read_back", title: "Stored, but not read back", detail });
  }
  const other = differs(now);
  if (other === undefined) return undefined;
  const detail = `${stored} But ${other} now: somebody else changed it as well.`;
  return new ApiProblem(409, { code: "overtaken", title: "Stored, but changed since", detail });
}

/** Whether a state has everything that was written. It may have more, such as defaults. */
export function includes(now: unknown, written: unknown): boolean {
  if (typeof written !== "object" || written === null) return now === written;
  if (typeof now !== "object" || now === null) return false;
  if (Array.isArray(written) && (!Array.isArray(now) || now.length !== written.length)) return false;
  return Object.entries(written).every(
    ([name, value]) => value === undefined || includes((now as Record<string, unknown>)[name], value),
  );
}
