import { Problem } from "../../../../../../platform/problems.ts";

const PUBLIC = /^https:\/\/registry\.npmjs\.org\/?$/;

/**
 * Takes every .npmrc out of the files: one of a function could send a build to hosts of the operator's network.
 * @throws Problem `invalid_source` if one names a registry or a credential, without which the build would go another way
 */
export function dropNpmrc(files: Map<string, Uint8Array>): void {
  for (const [path, bytes] of files) {
    if (path !== ".npmrc" && !path.endsWith("/.npmrc")) continue;
    const settings = new TextDecoder()
      .decode(bytes)
      .split(/\r?\n/)
      .filter((line) => line.includes("=") && !/^\s*[;#]/.test(line))
      .map(
        (line) =>
          [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim()] as const,
      );
    const refused = settings.find(([key, value]) => steers(key, value));
    if (refused) {
      throw new Problem(
        "invalid_source",
        `${path} sets ${JSON.stringify(refused[0].slice(0, 100))}: a source cannot choose a registry or bring a token. The operator of Skiff sets the registry of all builds with NPM_CONFIG_REGISTRY.`,
      );
    }
    files.delete(path);
  }
}

function steers(key: string, value: string): boolean {
  if (/(^|:)_(auth|authToken|password)$|(^|:)(username|certfile|keyfile|tokenHelper)$/i.test(key))
    return true;
  return /(^|:)registry$/i.test(key) && !PUBLIC.test(value);
}
