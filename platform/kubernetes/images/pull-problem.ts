import { Problem, type ProblemExtensions } from "../../problems.ts";

type Reason = NonNullable<ProblemExtensions["reason"]>;

/** Reasons by what registries and container runtimes say, the first match counts. */
const REASONS: readonly (readonly [RegExp, Reason])[] = [
  [/deadline exceeded|i\/o timeout|timed? ?out/i, "timeout"],
  [/unauthorized|denied|authoriz|authentication|forbidden|\b40[13]\b/i, "denied"],
  [/no such host|dial tcp|connection re|unreachable|x509|tls:|\bEOF\b|\b5\d\d\b/i, "unreachable"],
  [/not found|manifest unknown|not present|invalid|\b404\b/i, "not_found"],
];

/** Whether the state of a waiting container says that its image cannot be pulled. */
export function isPullError(reason: string): boolean {
  return /^(ErrImage|ImagePull|InvalidImage|ErrImageNeverPull|RegistryUnavailable)/.test(reason);
}

/** Explains why an image cannot be pulled, from what the kubelet says about its container. */
export function pullProblem(image: string, { reason = "", message = "" }): Problem {
  const text = `${message || reason}`.trim();
  const why = REASONS.find(([pattern]) => pattern.test(`${reason} ${text}`))?.[1] ?? "unreachable";
  return new Problem("image_unavailable", `The image ${image} cannot be pulled: ${text}`, { reason: why });
}
