import { can, type Scope } from "../session/session.ts";

/** For a button that changes something: disabled, with the reason, where the key lacks the scope. */
export function allowed(
  scope: Scope,
  title?: string,
): { readonly disabled?: boolean; readonly title?: string } {
  if (!can(scope)) return { disabled: true, title: `Your key lacks the scope “${scope}”.` };
  return title === undefined ? {} : { title };
}
