/** Which scope a route needs. A route that nobody named is refused: a forgotten one is closed, not open. */

import { Refused } from "./refusals.js";

/** `scope` null: any good token for this service will do, and nothing is counted. */
export interface Need {
  readonly scope: string | null;
  /** Units of the scope's limit that one call takes; 1 when left out. */
  readonly cost?: number;
}

/** `{"POST /infer": "model:infer"}`, or a function of method and decoded path: undefined where nobody may go. */
export type Rules =
  | Readonly<Record<string, string | Need>>
  | ((method: string, path: string) => string | Need | undefined);

export interface RouteOptions {
  /** Paths that need no token. */
  readonly openPaths?: readonly string[];
}

export class Routes {
  readonly #rules: Rules;
  readonly #openPaths: ReadonlySet<string>;

  constructor(rules: Rules, options: RouteOptions = {}) {
    this.#rules = rules;
    this.#openPaths = new Set(options.openPaths);
  }

  isOpen(target: string): boolean {
    return this.#openPaths.has(decodePath(target) ?? "");
  }

  /** `target` is as it came. HEAD is answered like GET. Throws Refused. */
  need(method: string, target: string): Need {
    const path = decodePath(target);
    const verb = method === "HEAD" ? "GET" : method;
    const rules = this.#rules;
    if (path === undefined) throw new Refused("invalid_request", "the path is malformed");
    const name = `${verb} ${path}`;
    const found = typeof rules === "function" ? rules(verb, path) : Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (found === undefined) throw new Refused("insufficient_scope", "no scope leads here");
    return typeof found === "string" ? { scope: found } : found;
  }
}

function decodePath(target: string): string | undefined {
  try {
    return decodeURIComponent(target.split(/[?#]/, 1)[0] ?? "");
  } catch {
    return undefined;
  }
}
