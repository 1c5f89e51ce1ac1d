/** Requests of git itself, whose client shows what a text says and asks for a password where it is challenged. */

const GIT_PATH = /^\/git\/[^/]+\/(?:info\/refs|git-upload-pack|git-receive-pack)$/;

/** Challenges git to send a key as the password (RFC 7617). */
export const GIT_CHALLENGE = 'Basic realm="skiff: a key as the password", charset="UTF-8"';

export function isGitPath(path: string): boolean {
  return GIT_PATH.test(path);
}
