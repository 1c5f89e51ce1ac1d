/** Lists what programs see of this machine. Pure. */
import type { Profile, WideProfile } from "../wall/profile.ts";

/** Programs, their libraries and their data. Nothing of /home, /opt, /root, /run, /srv or /var. */
export const SYSTEM_FOLDERS = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/** Settings that programs need, and that hold no secret. */
const SETTINGS =
  /^(alternatives|ca-certificates|fonts|java-.+|ld\.so\.cache|ld\.so\.conf|ld\.so\.conf\.d|locale\.alias|localtime|lsb-release|magic|magic\.mime|mime\.types|os-release|perl|php|protocols|python\d.*|R|rpc|services|terminfo|timezone)$/;
/** Those of TLS: the folders around them may hold keys. */
const CERTIFICATES = [
  ...["/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf"],
  ...[
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/pki/ca-trust/extracted",
    "/etc/crypto-policies",
  ],
];

export interface MachineFiles {
  /** Entries of `/` that are symbolic links, with their targets; the others have `undefined`. */
  readonly top: ReadonlyMap<string, string | undefined>;
  /** Names in `/etc`. */
  readonly etc: readonly string[];
  /** What each sandbox needs anyway, such as the libraries of Node. */
  readonly needed: readonly string[];
  /** Folders that programs must not see, without links in their paths: the data folder. */
  readonly secret: readonly string[];
}

export type WideFiles = Pick<Profile, "files" | "system"> & { readonly wide: WideProfile };

export function wideFiles({ top, etc, needed, secret }: MachineFiles): WideFiles {
  const folders = SYSTEM_FOLDERS.filter((path) => top.has(path) && top.get(path) === undefined);
  const links = SYSTEM_FOLDERS.flatMap((path) => {
    const target = top.get(path);
    return target === undefined ? [] : [[path, target] as const];
  });
  const isSeen = (path: string) => SYSTEM_FOLDERS.some((folder) => path.startsWith(`${folder}/`));
  return {
    files: [...folders, ...needed.filter((path) => !isSeen(path))],
    system: [...etc.filter((name) => SETTINGS.test(name)).map((name) => `/etc/${name}`), ...CERTIFICATES],
    wide: { links: Object.fromEntries(links), hidden: secret.filter(isSeen) },
  };
}
