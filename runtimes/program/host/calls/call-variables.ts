import type { IncomingMessage } from "node:http";
import type { ProgramMessage } from "../program-message.ts";

/** Variable in the environment of every process of a call. */
export const CALL_VARIABLE = "SKIFF_CALL_ID";
/** Variables of every program, whether the function declares them or not. */
const PLATFORM_VARIABLES = ["PATH", "HOME", "TMPDIR", "LANG"];
/** Fields that have a variable of their own, that only the connection needs, or that would become `HTTP_PROXY`. */
const OTHER_FIELDS: ReadonlySet<string> = new Set(
  "connection content-length content-type expect keep-alive proxy proxy-connection te trailer transfer-encoding upgrade".split(
    " ",
  ),
);
/** Every container of a cluster has them. */
const CLUSTER = /^KUBERNETES_/;
/** Other names would collide once `-` has become `_`. */
const FIELD_NAME = /^[a-z0-9-]+$/;

type KeptParts = Pick<ProgramMessage, "env" | "secrets" | "function" | "keepsEnvironment">;

/** Returns the variables that stay in the environment of programs, with the values of secrets, and those about the function. */
export function keptVariables(
  { env, secrets, function: { name, version }, keepsEnvironment = false }: KeptParts,
  environment: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const all = keepsEnvironment ? Object.keys(environment).filter((each) => !CLUSTER.test(each)) : [];
  const names = [...PLATFORM_VARIABLES, ...env, ...all].filter((each) => environment[each] !== undefined);
  return {
    ...Object.fromEntries(names.map((each) => [each, environment[each]])),
    ...secrets,
    SKIFF_FUNCTION: name,
    SKIFF_VERSION: String(version),
  };
}

/** Returns the variables that describe a call to its program (RFC 3875, section 4.1). */
export function callVariables(request: IncomingMessage, callId: string): NodeJS.ProcessEnv {
  const { headers, url = "/", method, httpVersion } = request;
  const at = url.indexOf("?");
  const path = at < 0 ? url : url.slice(0, at);
  const host = headers.host ?? "localhost";
  const scheme = textOf(headers["x-forwarded-proto"]) || "http";
  const port =
    textOf(headers["x-forwarded-port"]) || /:(\d+)$/.exec(host)?.[1] || (scheme === "https" ? "443" : "80");
  const prefix = textOf(headers["x-forwarded-prefix"]);
  const { "content-length": length, "content-type": type } = headers;
  return {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: method,
    PATH_INFO: decoded(path),
    QUERY_STRING: at < 0 ? "" : url.slice(at + 1),
    REQUEST_URI: prefix + url,
    REQUEST_SCHEME: scheme,
    SCRIPT_NAME: prefix,
    SERVER_NAME: host.replace(/:\d+$/, ""),
    SERVER_PORT: port,
    SERVER_PROTOCOL: `HTTP/${httpVersion}`,
    SERVER_SOFTWARE: "Skiff",
    REMOTE_ADDR: textOf(headers["x-forwarded-for"]).split(",").at(-1)!.trim(),
    ...(length === undefined ? {} : { CONTENT_LENGTH: length }),
    ...(type === undefined ? {} : { CONTENT_TYPE: fromLatin1(type) }),
    ...(scheme === "https" ? { HTTPS: "on" } : {}),
    ...fieldVariables(headers),
    [CALL_VARIABLE]: callId,
  };
}

function fieldVariables(headers: IncomingMessage["headers"]): NodeJS.ProcessEnv {
  const variables: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(headers)) {
    if (OTHER_FIELDS.has(name) || name.startsWith("x-skiff-") || !FIELD_NAME.test(name)) continue;
    variables[`HTTP_${name.toUpperCase().replaceAll("-", "_")}`] = fromLatin1(textOf(value));
  }
  return variables;
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}

/** Returns the bytes of a field, which Node reads as one character each, as UTF-8. */
function fromLatin1(text: string): string {
  return Buffer.from(text, "latin1").toString();
}

/** Decodes a path; one that is no text stays as it is. A variable holds no NUL. */
function decoded(path: string): string {
  try {
    const text = decodeURIComponent(path);
    return text.includes("\0") ? path : text;
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}
