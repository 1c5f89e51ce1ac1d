import { reasonAgainst, UNFINISHED } from "./less-accepted.ts";
import { answersOf } from "./output.ts";
import type { Outcome } from "./readers/play.ts";
import type { Script } from "./scripts/script.ts";

type Seen = Outcome["seen"][number];

/** What a client and the instances notice of one reader. */
interface View {
  readonly answers: string[];
  /** The requests that reached an instance, to their end or up to an early answer. */
  readonly reached: readonly Seen[];
  readonly isClosed: boolean;
}

/** Differences that are allowed. Each takes them away from the views, or returns undefined where it does not apply. */
type Allowance = (
  fast: View,
  node: View,
  outcomes: readonly [fast: Outcome, node: Outcome],
) => readonly [fast: View, node: View] | undefined;

const REFUSED = "400, close";
const UNEXPECTED = "417, close";
/** The client has asked to close the connection, or speaks a version that does not keep it. */
const ANNOUNCED = /"connection","[^"]*close|^\{"line":\["[^"]+","[^"]*","(?!1\.1")/i;
const SAFE = /^\{"line":\["(?:GET|HEAD|OPTIONS|TRACE)"/;

const ALLOWANCES: readonly Allowance[] = [
  // What a socket has not sent is lost when an answer breaks off.
  function brokenOff(fast, node, outcomes) {
    if (!outcomes.some(({ seen }) => seen.some((each) => each.isTruncated || isBegun(each))))
      return undefined;
    const isCut = isPrefix(fast.answers.join(""), node.answers.join(""));
    if (!isCut) return undefined;
    return [withoutEarly(fast, fast.answers), withoutEarly(node, fast.answers)];
  },
  // An answer has begun before its body, which is not valid: a reader notices that before it begins, or after it.
  function begunOrNot(fast, node, outcomes) {
    const [a, b] = outcomes.map(({ seen }) => seen.some(isBegun));
    const [x, y] = [fast, node].map(({ answers }) => answers.at(-1) === REFUSED);
    if (!(a && y) && !(b && x)) return undefined;
    return [
      { ...fast, answers: fast.answers.slice(0, -1) },
      { ...node, answers: node.answers.slice(0, -1) },
    ];
  },
  // A client is asked for a body that is not valid, or the body is noticed before.
  function askedOrNot(fast, node, outcomes) {
    if (!outcomes.some(({ seen }) => seen.some(({ isComplete }) => !isComplete()))) return undefined;
    const [a, b] = [fast, node].map(({ answers }) =>
      answers.filter((each, i) => i < answers.length - 2 || !/^HTTP\/1\.1 100 /.test(each)),
    );
    return [
      { ...fast, answers: a! },
      { ...node, answers: b! },
    ];
  },
  // A body is answered before its end, and is not valid: a reader notices that before its answer, or after it, and the
  // fast path does not answer a second time.
  function answeredEarly(fast, node, outcomes) {
    const hasEarly = outcomes.some(({ seen }) => seen.some(isEarly));
    const [a, b] = [fast, node].map(({ answers }) =>
      answers.slice(0, answers.at(-1) === REFUSED ? -1 : undefined),
    );
    const isUnchanged = a!.length === fast.answers.length && b!.length === node.answers.length;
    if (isUnchanged || !hasEarly) return undefined;
    if (a!.length === b!.length + 1) a!.pop();
    else if (b!.length === a!.length + 1) b!.pop();
    return [withoutEarly(fast, a!), withoutEarly(node, b!)];
  },
  // The same for an expectation, which the server refuses: no router sees the request.
  function expectedEarly(fast, node) {
    const [a, b] = [fast, node].map(({ answers }) => answers.at(-1));
    const isEither = (a === UNEXPECTED && b === REFUSED) || (a === REFUSED && b === UNEXPECTED);
    return isEither ? [fast, { ...node, answers: [...node.answers.slice(0, -1), a!] }] : undefined;
  },
];

/** Returns how the fast path differs from Node in a way that is not allowed; undefined if it does not. */
export function differenceOf(script: Script, fast: Outcome, node: Outcome): string | undefined {
  for (const [name, { unended }] of Object.entries({ fast, node }))
    if (unended !== 0) return `${name}: ${unended} calls never end`;
  const isLost = [fast, node].some(isResetByItself);
  if (isLost || script.end === "early fin" || script.end === "destroy") return contradictionOf(fast, node);
  let views = [viewOf(fast), viewOf(node)] as const;
  for (const allowance of ALLOWANCES) {
    if (differ(...views) !== undefined) views = allowance(...views, [fast, node]) ?? views;
  }
  const difference = differ(...views);
  if (difference === undefined || acceptsLess(script, fast, ...views)) return undefined;
  // Three checks end a connection on which the rest of a body is missing. Node has a clock for that.
  const isCutOff = fast.isClosed && fast.seen.at(-1)?.isComplete() === false;
  return isCutOff && script.gaps.includes("check") ? contradictionOf(fast, node) : difference;
}

/** A client that sends more behind the request that is its last one, as it has announced, may lose the answer. */
function isResetByItself({ isReset, seen }: Outcome): boolean {
  return isReset && ANNOUNCED.test(seen.at(-1)?.head ?? "");
}

/** A client that leaves early is served for as long as each reader notices it: what both did must be the same. */
function contradictionOf(fast: Outcome, node: Outcome): string | undefined {
  for (const [i, a] of fast.seen.entries()) {
    const b = node.seen[i];
    if (b === undefined) break;
    const isSame = a.state !== "whole" || b.state !== "whole" || String(a.trailers) === String(b.trailers);
    if (a.head === b.head && isSame && isPrefix(a.body, b.body)) continue;
    return `request ${i}:\n  fast ${JSON.stringify(a)}\n  node ${JSON.stringify(b)}`;
  }
  const [x, y] = [answersOf(fast.output), answersOf(node.output)].map((answers) =>
    answers.slice(0, -1).join(""),
  );
  return isPrefix(x!, y!) ? undefined : `answers:\n  fast ${JSON.stringify(x)}\n  node ${JSON.stringify(y)}`;
}

function isPrefix(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function viewOf({ seen, output, isClosed }: Outcome): View {
  const reached = seen.filter(({ head, state, isComplete, isTruncated }, i) => {
    if (state === "refused" || state === "broken") return false;
    if (!isTruncated && output.includes(`x-skiff-call-id: call-${i}\r\n`)) return true;
    // Safe requests may run in vain, when an answer before theirs ends the connection: Node starts them together.
    return isComplete() && !(isClosed && SAFE.test(head));
  });
  return { answers: answersOf(output), reached, isClosed };
}

/** The fast path refuses a body that Node accepts, for a reason that is known. */
function acceptsLess({ bytes }: Script, { seen }: Outcome, fast: View, node: View): boolean {
  if (seen.at(-1)?.isComplete() !== false) return false;
  const reason = reasonAgainst(bytes, seen.length - 1);
  if (reason === undefined || fast.isClosed === (reason === UNFINISHED)) return false;
  const answers = fast.answers.at(-1) === REFUSED ? fast.answers.slice(0, -1) : fast.answers;
  const same = {
    answers: node.answers.slice(0, answers.length).map(closing),
    reached: node.reached.slice(0, fast.reached.length),
    isClosed: fast.isClosed,
  };
  return differ({ ...fast, answers: answers.map(closing) }, same) === undefined;
}

function isEarly({ state, isComplete }: Seen): boolean {
  return (state === "refused" || state === "unread") && !isComplete();
}

function withoutEarly({ reached, isClosed }: View, answers: string[]): View {
  return { answers, reached: reached.filter((seen) => !isEarly(seen)), isClosed };
}

function isBegun({ hasBegun, state }: Seen): boolean {
  return hasBegun && state === "broken";
}

function closing(answer: string): string {
  return answer.replace(/^Connection: keep-alive\r\nKeep-Alive: .*\r$/m, "Connection: close\r");
}

function differ(fast: View, node: View): string | undefined {
  for (const key of ["reached", "answers", "isClosed"] as const) {
    const [x, y] = [fast, node].map((view) => JSON.stringify(view[key]));
    if (x !== y) return `${key}:\n  fast ${x}\n  node ${y}`;
  }
  return undefined;
}
