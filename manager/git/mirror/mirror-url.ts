import { Problem } from "../../../platform/problems.ts";

const MOST_CHARACTERS = 2_000;
/** `git@host:owner/name.git`, which git takes for ssh. */
const SSH_SHORT = /^(?:[^@/\s]+@)?([a-z0-9.-]+\.[a-z]+):(?!\/\/)(\S+)$/i;

/**
 * Reads the address of another repository, and returns it as git gets it.
 * @throws Problem `invalid_request` that says what to use instead
 */
export function readMirrorUrl(text: string): string {
  const shown = JSON.stringify(text.slice(0, 200));
  const refused = (why: string) => new Problem("invalid_request", `url: ${why}.`);
  const short = SSH_SHORT.exec(text);
  if (short !== null) {
    const instead = `https://${short[1]}/${short[2]}`;
    throw refused(`${shown} is an address for ssh: use ${instead.slice(0, 300)}, with a token in a secret`);
  }
  if (text.length > MOST_CHARACTERS || !URL.canParse(text))
    throw refused(`${shown} is not a URL of at most ${MOST_CHARACTERS} characters: use https://HOST/PATH`);
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw refused(`${url.protocol} is not supported: use https:, with a token in a secret`);
  // The text is not shown: it has a password.
  if (url.username !== "" || url.password !== "")
    throw refused("it has a user or password: leave them out, and name a secret that has them");
  if (url.search !== "" || url.hash !== "")
    throw refused(`${shown} has a ? or #: use the URL that git clone takes`);
  // Curl connects to a name with a dot at its end without it.
  if (url.hostname.endsWith(".")) throw refused(`${shown} has a dot after its host: leave it out`);
  return url.href;
}
