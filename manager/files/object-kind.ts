import type { Principal } from "../../http/access/principal.ts";
import type { SpecFault } from "../../platform/events/spec-check.ts";
import type { VersionNote } from "../../platform/platform.ts";

type Spec = Readonly<Record<string, unknown>>;

/** What is wrong with a spec. One that is a text has the line, from 1. */
export interface ObjectFault extends SpecFault {
  readonly place?: { readonly line: number; readonly column: number; readonly lineText: string };
}

/** A kind of declarations that a folder can have: topics, flows, subscriptions, schedules. */
export interface ObjectKind {
  /** Such as `Topic`. */
  readonly kind: string;
  /** Such as `topic`. */
  readonly noun: string;
  /** Such as `topics`: the member of the manifest. */
  readonly plural: string;
  check(spec: Spec, name: string): readonly ObjectFault[] | Promise<readonly ObjectFault[]>;
  /** The functions that a valid spec calls. */
  functionsOf(spec: Spec, name: string): readonly string[] | Promise<readonly string[]>;
  /** What a valid spec names that will not work. */
  warningsOf?(spec: Spec, name: string): Promise<readonly string[]>;
  /** @throws Problem `insufficient_scope` for a valid spec that needs more than the scope `deploy` */
  authorize?(spec: Spec, of: { readonly name: string; readonly principal: Principal }): Promise<void>;
  /** What a diff compares; by default the spec as YAML. */
  textOf?(spec: Spec): Promise<string>;
  /** Stores a spec; by default as a declaration alone. */
  put?(name: string, spec: Spec, note: VersionNote): Promise<void>;
  /** Why a spec does not go with those of others; undefined if it does. */
  clash(spec: Spec, others: readonly { readonly name: string; readonly spec: Spec }[]): string | undefined;
  /** What follows a change, such as the place of a new subscription. */
  afterPut(name: string, spec: Spec): Promise<void>;
  afterRemoval(name: string): Promise<void>;
}
