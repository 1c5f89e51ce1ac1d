import { Draw } from "./draw.ts";

/** How the stub answers one request. */
export interface Plan {
  /**
   * `whole`: when all of the body has arrived. `early`: when the connection has settled, with the body read so far.
   * `unread`: the same without reading it. `refused`: at once, without reading it.
   */
  readonly reading: "whole" | "early" | "unread" | "refused";
  /** Turns of the event loop between the end of the body and the answer. */
  readonly delay: number;
  /** The body is paused after each part, for as many turns. */
  readonly pause: number;
  readonly status: number;
  readonly fields: readonly string[];
  readonly parts: readonly string[];
  /** The head is sent before the body of the request is here. */
  readonly headFirst: boolean;
  readonly trailers: readonly string[];
  /** The router is about to leave, so that the connection closes. */
  readonly closes: boolean;
  /** A WebSocket is accepted. */
  readonly opens: boolean;
  /** The answer breaks off. */
  readonly truncates: boolean;
}

/** @param ordinal number of the request on its connection */
export function drawPlan(seed: number, ordinal: number): Plan {
  const draw = new Draw(seed + ordinal);
  const status = draw.pick([200, 200, 200, 201, 204, 304, 404, 500]);
  const count = status === 204 || status === 304 ? 0 : draw.pick([0, 1, 1, 1, 2, 3]);
  const parts = draw.times(count, () => "x".repeat(draw.int(draw.pick([3, 30, 30, 30_000]))));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const fields = draw.chance(0.6) ? ["content-length", String(length)] : [];
  return {
    reading: draw.pick(["whole", "whole", "whole", "whole", "early", "unread", "refused"]),
    delay: draw.int(4),
    pause: draw.chance(0.3) ? draw.between(1, 3) : 0,
    status,
    fields: [...fields, "x-ordinal", String(ordinal)],
    parts,
    headFirst: status !== 204 && status !== 304 && draw.chance(0.1),
    trailers: fields.length === 0 && draw.chance(0.2) ? ["x-sum", "1"] : [],
    closes: draw.chance(0.05),
    opens: draw.chance(0.5),
    truncates: draw.chance(0.02),
  };
}
