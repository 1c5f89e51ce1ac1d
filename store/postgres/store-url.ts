/**
 * Checks the value of SKIFF_STORE, which is not printed because it has a password.
 * @throws Error with a message for the terminal
 */
export function checkStoreUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPostgres = url !== undefined && /^postgres(ql)?:$/.test(url.protocol);
  if (isPostgres && url.hostname !== "" && url.pathname.length > 1) return text;
  throw new Error(
    "SKIFF_STORE is not the URL of a PostgreSQL database: use one like postgres://USER:PASSWORD@HOST:5432/DATABASE.",
  );
}
