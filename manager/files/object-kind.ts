import type { SpecFault } from "../../platform/events/spec-check.ts";

type Spec = Readonly<Record<string, unknown>>;

/** A kind of declarations that a folder can have: topics, subscriptions, schedules. */
export interface ObjectKind {
  /** Such as `Topic`. */
  readonly kind: string;
  /** Such as `topic`. */
  readonly noun: string;
  /** Such as `topics`: the member of the manifest. */
  readonly plural: string;
  check(spec: unknown): readonly SpecFault[];
  /** Why a spec does not go with those of others; undefined if it does. */
  clash(spec: Spec, others: readonly { readonly name: string; readonly spec: Spec }[]): string | undefined;
  /** What follows a change, such as the place of a new subscription. */
  afterPut(name: string, spec: Spec): Promise<void>;
  afterRemoval(name: string): Promise<void>;
}
