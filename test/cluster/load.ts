import { Pool } from "undici";

export interface LoadReport {
  readonly answered: number;
  /** What went wrong, by kind. */
  readonly lost: Readonly<Record<string, number>>;
  /** Distinct bodies in the order in which they first came. */
  readonly bodies: readonly string[];
}

const CONNECTIONS = 8;
/** Calls per second of each connection: a load that leaves two cores room for the cluster itself. */
const PAUSE_MS = 10;

/** Calls `path` without pause while `work` goes on, and a second longer. Nothing is retried. */
export async function underLoad(
  origin: string,
  path: string,
  work: () => Promise<void>,
): Promise<LoadReport> {
  const pool = new Pool(origin, { connections: CONNECTIONS });
  const lost: Record<string, number> = {};
  const bodies = new Set<string>();
  let answered = 0;
  let goesOn = true;
  const lose = (kind: string) => {
    lost[kind] = (lost[kind] ?? 0) + 1;
  };
  const client = async () => {
    while (goesOn) {
      try {
        const { statusCode, body } = await pool.request({ method: "GET", path });
        const text = await body.text();
        if (statusCode === 200) {
          answered++;
          bodies.add(text);
        } else lose(`${statusCode} ${text.slice(0, 200)}`);
      } catch (error) {
        lose(String((error as NodeJS.ErrnoException).code ?? error));
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const clients = Array.from({ length: CONNECTIONS }, client);
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  } finally {
    goesOn = false;
    await Promise.all(clients);
    await pool.close();
  }
  return { answered, lost, bodies: [...bodies] };
}
