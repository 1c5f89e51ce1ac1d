import { Problem } from "../problems.ts";

/**
 * Splits a text into words as a POSIX shell does, without running one: quotes and backslashes keep their meaning, and
 * nothing is expanded. `$`, `*`, `|` and `>` are characters like others.
 * @throws Problem `invalid_request` naming the place of a quote that is not closed
 */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  // Undefined between words. Quotes can make an empty word.
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (/[ \t\r\n]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw openQuote(character, at);
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const quoted = doubleQuoted(text, at);
      word = (word ?? "") + quoted.word;
      at = quoted.end;
    } else if (character === "\\") {
      at++;
      if (at === text.length) throw unfinished("a backslash at the end", at);
      // A backslash before the end of a line joins the two lines.
      if (text[at] !== "\n") word = (word ?? "") + text[at];
    } else {
      word = (word ?? "") + character;
    }
  }
  return word === undefined ? words : [...words, word];
}

function doubleQuoted(text: string, start: number): { word: string; end: number } {
  let word = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return { word, end: at };
    const next = text[at + 1];
    if (character !== "\\" || next === undefined || !'$`"\\\n'.includes(next)) {
      word += character;
      continue;
    }
    at++;
    if (next !== "\n") word += next;
  }
  throw openQuote('"', start);
}

function openQuote(quote: string, at: number): Problem {
  return unfinished(`a ${quote} that is not closed`, at + 1);
}

function unfinished(what: string, place: number): Problem {
  const detail = `The command has ${what}, at character ${place}: close it, or write \\ in front of it.`;
  return new Problem("invalid_request", detail);
}
