/**
 * The first part of a recursive query: the table `due` with every `queue` that has a ready call, and one NULL at its end. It
 * jumps from queue to queue in the index, so that the length of the queues costs nothing.
 */
export const DUE_QUEUES = `due(queue) AS (
  SELECT MIN(queue) FROM calls WHERE state = 'ready'
  UNION ALL
  SELECT (SELECT MIN(queue) FROM calls WHERE state = 'ready' AND queue > due.queue) FROM due WHERE due.queue IS NOT NULL
)`;
