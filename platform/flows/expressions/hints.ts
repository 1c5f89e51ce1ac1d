/** What people write who know another language, and how the expression is written here. */
export interface Hint {
  readonly message: string;
  /** Index in the text of the expression. */
  readonly offset: number;
}

const OPERATORS: Readonly<Record<string, string>> = {
  ...{ and: "&&", or: "||", not: "!" },
  ...{ "===": "==", "!==": "!=", "=": "==", "<>": "!=" },
};
/** Texts are matched first, so that what they hold stays. One without an end reaches to the end, so that none is read twice. */
const QUOTED_OR_OPERATOR =
  /"(?:\\[\s\S]|[^"\\])*(?:"|\\?$)|'(?:\\[\s\S]|[^'\\])*(?:'|\\?$)|(?<![\w.])(?:and|or|not)(?!\w)|===|!==|<>|(?<![=!<>])=(?!=)/gi;
const BRACED = /^\{([\s\S]*)\}$/;
const TIME = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/;

/** Returns a hint for a text that cannot be read. @param isValid whether the text would be an expression */
export function hintFor(text: string, isValid: (text: string) => boolean): Hint | undefined {
  const plain = text.trim();
  if (TIME.test(plain)) {
    const time = plain.includes("T") ? plain : `${plain}T00:00:00Z`;
    return { message: `Write \`timestamp("${time}")\`.`, offset: 0 };
  }
  const inner = BRACED.exec(plain)?.[1];
  if (inner !== undefined && isValid(inner)) {
    const shown = inner.trim().length > 60 ? "…" : inner.trim();
    return { message: `Write \`\${ ${shown} }\`, with one brace.`, offset: 0 };
  }
  let first: Hint | undefined;
  const other = text.replaceAll(QUOTED_OR_OPERATOR, (found: string, offset: number) => {
    const operator = OPERATORS[found.toLowerCase()];
    if (operator === undefined) return found;
    first ??= { message: `Write \`${operator}\` instead of \`${found}\`.`, offset };
    return operator;
  });
  return first !== undefined && isValid(other) ? first : undefined;
}
