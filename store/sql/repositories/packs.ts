/** Packs of git repositories, in parts of a megabyte. PostgreSQL alone has them. */
import { read, sql, type Work } from "../work.ts";

/** A pack that no repository names by then is removed. */
const UNNAMED_MS = 24 * 3_600_000;
const REMOVED_AT_ONCE = 20;
const BYTES_AT_ONCE = 128 * 1024;
/** Of every part but the last one. */
export const PACK_PART_BYTES = 1024 ** 2;

export interface PackUpload {
  /** Names this upload: several managers may store the same pack at the same time. */
  readonly upload: string;
  readonly repository: string;
  readonly id: string;
}

/** Whether the repository has a pack already, which is kept for another day. */
export function* touchPack(repository: string, id: string, now: Date): Work<boolean> {
  const touched = yield sql(
    "UPDATE repository_packs SET written_at = $3 WHERE repository = $1 AND id = $2 AND complete = 1 RETURNING upload",
    repository,
    id,
    now.getTime(),
  );
  return touched.length > 0;
}

/** The row comes first, so that parts of a program that was killed are removed with it. */
export function* addPackPart(
  { upload, repository, id }: PackUpload,
  { part, bytes, now }: { readonly part: number; readonly bytes: Uint8Array; readonly now: Date },
): Work<void> {
  yield sql(
    `INSERT INTO repository_packs VALUES ($1, $2, $3, 0, 0, 0, $4)
     ON CONFLICT (upload) DO UPDATE SET written_at = excluded.written_at`,
    upload,
    repository,
    id,
    now.getTime(),
  );
  yield sql("INSERT INTO repository_pack_parts VALUES ($1, $2, $3)", upload, part, bytes);
}

/** @throws Error if a part is gone */
export function* completePack(
  upload: string,
  { bytes, parts, now }: { readonly bytes: number; readonly parts: number; readonly now: Date },
): Work<void> {
  const completed = yield sql(
    `UPDATE repository_packs SET bytes = $2, complete = 1, written_at = $4
     WHERE upload = $1 AND (SELECT count(*) FROM repository_pack_parts WHERE upload = $1) = $3 RETURNING upload`,
    upload,
    bytes,
    parts,
    now.getTime(),
  );
  if (completed.length === 0) throw new Error(`the upload ${upload} lost parts: it took more than a day`);
}

/** Returns the upload of a pack and its size; undefined if there is none. */
export function* findPack(
  repository: string,
  id: string,
): Work<{ readonly upload: string; readonly bytes: number } | undefined> {
  const [row] = yield read(
    `SELECT upload, bytes FROM repository_packs WHERE repository = $1 AND id = $2 AND complete = 1
     ORDER BY named DESC, upload LIMIT 1`,
    repository,
    id,
  );
  return row && { upload: row.upload as string, bytes: Number(row.bytes) };
}

/** Returns bytes of a pack from a place on, which are less than a part: the driver holds them as text in between. */
export function* packBytes(upload: string, at: number): Work<Uint8Array | undefined> {
  const [row] = yield read(
    `SELECT substr(bytes, $3::integer, ${BYTES_AT_ONCE}) AS bytes FROM repository_pack_parts WHERE upload = $1 AND part = $2`,
    upload,
    Math.floor(at / PACK_PART_BYTES),
    (at % PACK_PART_BYTES) + 1,
  );
  const bytes = row?.bytes as Uint8Array | undefined;
  return bytes?.byteLength ? bytes : undefined;
}

export function* removeUpload(upload: string): Work<void> {
  yield* removeParts(yield sql("DELETE FROM repository_packs WHERE upload = $1 RETURNING upload", upload));
}

/**
 * Names the packs of a repository, and removes those that it named before.
 * @throws Error if one is gone
 */
export function* keepPacks(repository: string, ids: readonly string[]): Work<void> {
  const named = yield sql(
    `UPDATE repository_packs SET named = 1 WHERE upload IN (
       SELECT DISTINCT ON (id) upload FROM repository_packs WHERE repository = $1 AND id = ANY($2) AND complete = 1
       ORDER BY id, named DESC, upload
     ) RETURNING upload`,
    repository,
    ids,
  );
  if (named.length < ids.length)
    throw new Error(`a pack of ${repository} is gone that nothing named for a day`);
  yield* removeNamedPacks(repository, ids);
}

/** Removes the packs that a repository named, except some. */
export function* removeNamedPacks(repository: string, except: readonly string[]): Work<void> {
  yield* removeParts(
    yield sql(
      "DELETE FROM repository_packs WHERE repository = $1 AND named = 1 AND id <> ALL($2) RETURNING upload",
      repository,
      except,
    ),
  );
}

/** Removes a batch of packs that no repository named for a day. Returns how many. */
export function* removeUnusedPacks(now: Date): Work<number> {
  const removed = yield sql(
    `DELETE FROM repository_packs WHERE named = 0 AND upload IN (
       SELECT upload FROM repository_packs WHERE named = 0 AND written_at < $1 ORDER BY written_at LIMIT ${REMOVED_AT_ONCE}
     ) RETURNING upload`,
    now.getTime() - UNNAMED_MS,
  );
  yield* removeParts(removed);
  return removed.length;
}

function* removeParts(removed: readonly { readonly upload?: unknown }[]): Work<void> {
  const uploads = removed.map(({ upload }) => upload as string);
  if (uploads.length > 0) yield sql("DELETE FROM repository_pack_parts WHERE upload = ANY($1)", uploads);
}
