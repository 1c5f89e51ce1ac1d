import { Problem } from "./problems.ts";

/** Each kind, such as `Schedule`, with the plural that names its resource on Kubernetes. */
export type DeclarationKinds = Readonly<Record<string, string>>;

/** The kinds of every installation. Each needs a resource definition and access rights in kubernetes.yaml. */
export const DECLARATION_KINDS: DeclarationKinds = {
  Key: "keys",
  Topic: "topics",
  Subscription: "subscriptions",
  Schedule: "schedules",
  Flow: "flows",
};

/**
 * Everything that should exist besides functions, by kind and name. Every method throws an Error for an unknown kind,
 * Problem `draining` once the platform is closed, and on Kubernetes `platform_unavailable`.
 */
export interface Declarations {
  /**
   * Creates a declaration, or replaces its whole spec. Durable when it resolves. An equal spec changes nothing and
   * keeps the revision.
   * @throws Problem `invalid_name`; `invalid_declaration` if the spec is too large or, on Kubernetes, violates the
   * schema of its kind; `precondition_failed`; an error of a full disk, which `toProblem` knows. Nothing is changed
   * then
   */
  put(kind: string, name: string, { spec, ifRevision }: NewSpec): Promise<Declared>;

  /**
   * Undefined if there is none.
   * @throws Problem `invalid_name`
   */
  get(kind: string, name: string): Promise<Declared | undefined>;

  /** In order of name, after the name `after`, at most `limit` of them. */
  list(kind: string, page: DeclarationPage): Promise<readonly Declared[]>;

  /**
   * Removes a declaration. False if there was none.
   * @throws Problem `invalid_name`, `precondition_failed`
   */
  remove(kind: string, name: string, options?: Removal): Promise<boolean>;

  /**
   * Calls `listener` with each present declaration of the kind, then with every change by anybody. Changes of one name
   * come in order. A change may be skipped if a later one of the same name follows. The first call comes after `watch`
   * returned. The platform logs an error that `listener` throws, and goes on. Returns the way to stop.
   */
  watch(kind: string, listener: DeclarationListener): () => void;
}

export interface NewSpec {
  /** A JSON object. */
  readonly spec: object;
  /** The revision that the declaration must have; null if it must not exist. Without it any state will do. */
  readonly ifRevision?: string | null | undefined;
}

export interface Removal {
  /** The revision that the declaration must have. */
  readonly ifRevision?: string | undefined;
}

export interface DeclarationPage {
  /** A name, which need not exist. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Declared {
  readonly kind: string;
  readonly name: string;
  /** Opaque. Every change gives a new one, and none is used twice. */
  readonly revision: string;
  /** As it was put or applied. Nothing has validated it: readers must. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  /** Time of the last change of the spec. Kubernetes keeps times in whole seconds. */
  readonly updatedAt: Date;
}

/** `declared` is undefined once the declaration is removed. */
export type DeclarationListener = (name: string, declared: Declared | undefined) => void;

/** At most 63 characters, so that a name can be the value of a Kubernetes label and a DNS label. */
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * @returns the plural of the kind
 * @throws Error if it is none of `kinds`
 */
export function pluralOf(kinds: DeclarationKinds, kind: string): string {
  if (Object.hasOwn(kinds, kind)) return kinds[kind]!;
  throw new Error(`Unknown kind of declarations "${kind}": use one of ${Object.keys(kinds).join(", ")}.`);
}

export function isDeclarationName(name: string): boolean {
  return NAME.test(name);
}

/** @throws Problem `invalid_name` */
export function checkDeclarationName(kind: string, name: string): void {
  if (isDeclarationName(name)) return;
  const detail = `"${name.slice(0, 80)}" is not a valid name of a ${kind}: use 1 to 63 characters of a-z, 0-9 and "-", starting with a letter and not ending with "-".`;
  throw new Problem("invalid_name", detail);
}

/**
 * @returns the JSON text of the spec
 * @throws Problem `invalid_declaration` if it is too large
 */
export function specText({ specBytes }: { readonly specBytes: number }, spec: object): string {
  const text = JSON.stringify(spec);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= specBytes) return text;
  const setting = "SKIFF_MAX_SPEC";
  const detail = `The spec has ${bytes} bytes of JSON and may have ${specBytes}: make it smaller, or raise ${setting}.`;
  throw new Problem("invalid_declaration", detail, { setting });
}

/** @param what kind and name of the declaration */
export function preconditionFailed(what: string, ifRevision: string | null): Problem {
  const detail =
    ifRevision === null
      ? `${what} exists already: name its revision to replace it.`
      : `${what} does not have the revision "${ifRevision.slice(0, 80)}" now: read it, and try again with its present revision.`;
  return new Problem("precondition_failed", detail);
}

/** Calls `listener`, and prints the error that it throws. */
export function notify(
  listener: DeclarationListener,
  change: { kind: string; name: string; declared: Declared | undefined },
  print: (line: string) => void,
): void {
  try {
    listener(change.name, change.declared);
  } catch (error) {
    print(`a listener failed at a change of ${change.kind} "${change.name}": ${(error as Error).message}`);
  }
}
