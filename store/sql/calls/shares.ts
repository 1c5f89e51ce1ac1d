import type { LeaseRequest } from "../../calls.ts";

/** A queue with ready calls, and how many more the worker can run. */
export interface Room {
  readonly queue: string;
  room: number;
}

/** Queues that may give calls, those of which the worker runs fewest first. Others begin at each `now`. */
export function roomsOf(queues: readonly string[], request: LeaseRequest): Room[] {
  const { except, perQueue, running, most = {}, now } = request;
  const rooms = queues
    .filter((queue) => !except.includes(queue))
    .map((queue) => {
      const runs = running[queue] ?? 0;
      return { queue, runs, room: Math.min(perQueue, most[queue] ?? perQueue) - runs };
    });
  const first = rooms.length === 0 ? 0 : now % rooms.length;
  return [...rooms.slice(first), ...rooms.slice(0, first)].sort((a, b) => a.runs - b.runs);
}

/** Gives each queue one call in turn, until `limit` or the rooms are used up. */
export function shareOut(rooms: readonly Room[], limit: number): { queue: string; share: number }[] {
  const shares = rooms.map(({ queue, room }) => ({ queue, room, share: 0 }));
  for (let left = limit; left > 0; ) {
    const open = shares.filter(({ room, share }) => share < room).slice(0, left);
    if (open.length === 0) break;
    for (const each of open) each.share++;
    left -= open.length;
  }
  return shares.filter(({ share }) => share > 0).map(({ queue, share }) => ({ queue, share }));
}
