import type { Limits } from "../../../platform/limits.ts";
import type { Abilities, Platform } from "../../../platform/platform.ts";
import type { Settings } from "../../../platform/settings/settings.ts";
import type { NewDraft } from "../../support/platform/draft.ts";

/** What the suite has to know about an implementation besides the seam. */
export interface Harness {
  /** What the platform says of itself; the cases of abilities that it has not are left out. */
  readonly abilities: Abilities;
  /** A platform on new state, with limits other than the defaults. */
  open(limits?: Partial<Limits>): Promise<Platform>;
  /** Ends what `open` made, also what a test closed already. */
  dispose(platform: Platform): Promise<void>;
  /** A platform on the state of a closed one; for those that are durable. */
  reopen(platform: Platform): Promise<Platform>;
  /** A draft whose function answers every call with `text` and prints the path of the call. */
  draft(name: string, text: string, settings?: Partial<Settings>): NewDraft;
  /** A draft that does not start; it prints `last words` before. */
  failing(name: string): NewDraft;
  /** From now on no instance of the version starts, of the current one by default. */
  breakStarts(platform: Platform, name: string, version?: number): Promise<void>;
  /** Waits for, or brings about, a version without instances, the current one by default; its `idleMs` is 100. */
  toZero(platform: Platform, name: string, version?: number): Promise<void>;
  /** Makes a ready instance of the function print `text`. */
  print(platform: Platform, name: string, text: string): Promise<void>;
  /** What an instance of the version answers, of the current one by default; for those that run code. */
  answer(platform: Platform, name: string, version?: number): Promise<string>;
}

export interface Subject extends Harness {
  /** The platform of most tests: they keep to names of their own. */
  readonly platform: Platform;
  /** `it` for cases that need an ability. */
  readonly able: Readonly<Record<keyof Abilities, (title: string, test: () => Promise<void>) => void>>;
}
