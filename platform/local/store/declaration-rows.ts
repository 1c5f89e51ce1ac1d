import { isDeepStrictEqual } from "node:util";
import type { Declared } from "../../declarations.ts";

/** A declaration in the database, with its spec as JSON text. */
export interface DeclarationRow extends Omit<Declared, "kind" | "spec"> {
  readonly spec: string;
}

/** A put, or a removal if `spec` is absent. */
export interface DeclarationChange {
  readonly kind: string;
  readonly name: string;
  readonly spec?: string;
  /** As in `NewSpec`. */
  readonly ifRevision: string | null | undefined;
  readonly at: Date;
}

export interface DeclarationResult {
  /** False if the declaration does not have the revision `ifRevision`. */
  readonly isAllowed: boolean;
  readonly before: DeclarationRow | undefined;
  /** Equal to `before` if nothing was changed. */
  readonly now: DeclarationRow | undefined;
  /** Why removed data can still be read in the file, in words; undefined if it cannot. */
  readonly left?: string | undefined;
}

export function declarationRow(row: Record<string, unknown>): DeclarationRow {
  return {
    name: row.name as string,
    revision: String(row.revision),
    spec: row.spec as string,
    createdAt: new Date(row.created_at as number),
    updatedAt: new Date(row.updated_at as number),
  };
}

export function isAllowed(
  before: DeclarationRow | undefined,
  ifRevision: DeclarationChange["ifRevision"],
): boolean {
  return ifRevision === undefined || ifRevision === (before?.revision ?? null);
}

/** Compares JSON without regard to the order of keys, as Kubernetes does. */
export function isSame(before: string | undefined, spec: string | undefined): boolean {
  if (before === undefined || spec === undefined) return before === spec;
  return before === spec || isDeepStrictEqual(JSON.parse(before), JSON.parse(spec));
}
