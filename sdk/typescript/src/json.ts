/**
 * JSON as a careful receiver reads it (RFC 8259, RFC 7493): no member twice, no number beyond all
 * bounds, no half surrogate pair, no NUL, no more than 16 levels.
 *
 * `JSON.parse` keeps the last of two members of one name and does not say so; two readers would
 * then believe two things. Objects have no prototype, so that `__proto__` is a name like others.
 */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** Not JSON that may be believed; the message says why. */
export class NotJson extends Error {}

const DEPTH = 16;
/** A byte order mark stays in the text, and is refused as what it is: no JSON. */
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS: ReadonlyArray<readonly [string, Json]> = [["true", true], ["false", false], ["null", null]];

/** Members that were written with a fraction or an exponent: `1.0` is a number, but no integer. */
const fractions = new WeakMap<object, Set<string>>();

export function parseJson(text: string): Json {
  const reader = new Reader(text);
  const value = reader.value(DEPTH);
  reader.end();
  return value;
}

export function parseBytes(raw: Uint8Array): Json {
  let text: string;
  try {
    text = DECODER.decode(raw);
  } catch {
    throw new NotJson("not UTF-8");
  }
  return parseJson(text);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member is a NumericDate as we accept it: an integer, written as one, below 2^53. */
export function timeOf(holder: JsonObject, name: string): number | undefined {
  const value = holder[name];
  const whole = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  return whole && !fractions.get(holder)?.has(name) ? value : undefined;
}

class Reader {
  #at = 0;
  #fraction = false;

  constructor(readonly text: string) {}

  value(left: number): Json {
    this.#skip();
    this.#fraction = false;
    const first = this.text[this.#at];
    if (first === '"') return this.#string();
    if (first === "{") return this.#object(left);
    if (first === "[") return this.#array(left);
    for (const [word, meaning] of WORDS) {
      if (this.text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return meaning;
      }
    }
    return this.#number();
  }

  end(): void {
    this.#skip();
    if (this.#at !== this.text.length) throw new NotJson("more than one value");
  }

  #object(left: number): JsonObject {
    if (left === 0) throw new NotJson("nested too deeply");
    const found = Object.create(null) as JsonObject;
    this.#at++;
    if (this.#takes("}")) return found;
    do {
      this.#skip();
      if (this.text[this.#at] !== '"') throw new NotJson("a member has no name");
      const name = this.#string();
      if (name in found) throw new NotJson("a member is repeated");
      this.#expect(":");
      found[name] = this.value(left - 1);
      if (this.#fraction) fractions.set(found, (fractions.get(found) ?? new Set()).add(name));
      this.#fraction = false;
    } while (this.#takes(","));
    this.#expect("}");
    return found;
  }

  #array(left: number): Json[] {
    if (left === 0) throw new NotJson("nested too deeply");
    const found: Json[] = [];
    this.#at++;
    if (this.#takes("]")) return found;
    do found.push(this.value(left - 1));
    while (this.#takes(","));
    this.#expect("]");
    this.#fraction = false;
    return found;
  }

  #string(): string {
    const start = this.#at++;
    let escaped = false;
    for (;;) {
      PLAIN.lastIndex = this.#at;
      PLAIN.test(this.text);
      this.#at = PLAIN.lastIndex;
      const next = this.text[this.#at++];
      if (next === '"') break;
      if (next !== "\\" || this.#at >= this.text.length) throw new NotJson("a text is cut off or malformed");
      escaped = true;
      this.#at++;
    }
    return escaped ? unescape(this.text.slice(start, this.#at)) : this.text.slice(start + 1, this.#at - 1);
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.text);
    if (!match) throw new NotJson("not a value");
    this.#at = NUMBER.lastIndex;
    const value = Number(match[0]);
    if (!Number.isFinite(value)) throw new NotJson("a number is beyond all bounds");
    this.#fraction = match[1] !== undefined || match[2] !== undefined;
    return value;
  }

  #skip(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.text);
    this.#at = SPACE.lastIndex;
  }

  #takes(sign: string): boolean {
    this.#skip();
    if (this.text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#takes(sign)) throw new NotJson(`${sign} is missing`);
  }
}

function unescape(quoted: string): string {
  let text: string;
  try {
    text = JSON.parse(quoted) as string;
  } catch {
    throw new NotJson("a text has a bad escape");
  }
  // A lone surrogate is legal in JSON and breaks whoever writes the value out.
  if (/\p{Surrogate}/u.test(text) || text.includes("\0")) throw new NotJson("a text holds what is no character");
  return text;
}
