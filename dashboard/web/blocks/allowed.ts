import { can, holder, type Scope } from "../session/session.ts";

/** Like `allowed`, for what concerns all functions: a key for some of them cannot do it. */
export function allowedForAll(scope: Scope, title?: string): ReturnType<typeof allowed> {
  const { functions } = holder.value ?? {};
  if (functions === undefined || !can(scope)) return allowed(scope, title);
  return { disabled: true, title: `Your key is for ${functions.join(", ")} alone.` };
}

/** For a button that changes a call or a run, which its maker can do with the scope “call”. */
export function allowedToMaker(by: string | undefined, title?: string): ReturnType<typeof allowed> {
  const isMaker = by !== undefined && by === holder.value?.by;
  return can("deploy") || !isMaker ? allowed("deploy", title) : allowed("call", title);
}

/** For a button that changes something: disabled, with the reason, where the key lacks the scope. */
export function allowed(
  scope: Scope,
  title?: string,
): { readonly disabled?: boolean; readonly title?: string } {
  if (!can(scope)) return { disabled: true, title: `Your key lacks the scope “${scope}”.` };
  return title === undefined ? {} : { title };
}
