/** Middleware for Express and all that is called with request, response and next. It imports none of them. */

import { FORM, FORM_BYTES } from "./call.js";
import { type Header, type Refusal, Refused } from "./refusals.js";
import { type RouteOptions, Routes, type Rules } from "./routes.js";
import type { Verified, Verifier } from "./verifier.js";

/** What is used of a request of Node's http, and of what Express adds. */
export interface ExpressRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The whole target, where a router has cut `url`. */
  readonly originalUrl?: string;
  readonly headers: Record<string, string | string[] | undefined>;
  /** Every field, repeated ones too: name, value, name, value. */
  readonly rawHeaders: string[];
  body?: unknown;
  agentPassport?: Verified;
}

export interface ExpressResponse {
  statusCode: number;
  setHeader(name: string, value: string | string[]): unknown;
  end(body: string): unknown;
}

declare global {
  // Express's own way for middleware to say what it adds.
  namespace Express {
    interface Request {
      agentPassport?: Verified;
    }
  }
}

export type Next = (error?: unknown) => void;

/**
 * `app.use(agentPassport(verifier, rules))`: lets through who may, with `request.agentPassport`;
 * answers all others. A form that no parser before it has read, it reads itself into `request.body`.
 */
export function agentPassport(verifier: Verifier, rules: Rules, options: RouteOptions = {}) {
  const routes = new Routes(rules, options);
  return (request: ExpressRequest, response: ExpressResponse, next: Next): void => {
    const target = request.originalUrl ?? request.url ?? "/";
    if (routes.isOpen(target)) {
      next();
      return;
    }
    check(verifier, routes, request, target).then((result) => {
      if (!result.ok) return refuse(response, result);
      request.agentPassport = result;
      for (const [name, value] of result.headers) response.setHeader(name, value);
      return next();
    }, next);
  };
}

async function check(verifier: Verifier, routes: Routes, request: ExpressRequest, target: string) {
  const method = request.method ?? "GET";
  try {
    const { scope, cost } = routes.need(method, target);
    const call = { method, target, headers: pairs(request.rawHeaders), form: await formOf(request) };
    return await verifier.check(call, { scope, ...(cost === undefined ? {} : { cost }) });
  } catch (error) {
    if (error instanceof Refused) return verifier.refuse(error);
    throw error;
  }
}

function pairs(raw: readonly string[]): Header[] {
  return Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at] ?? "", raw[2 * at + 1] ?? ""]);
}

/** The form as text again where a parser has read it; else read here, if it says that it is short. */
async function formOf(request: ExpressRequest): Promise<string> {
  const { body, headers } = request;
  const isForm = String(headers["content-type"] ?? "").toLowerCase().startsWith(FORM);
  if (!isForm) return "";
  if (typeof body === "object" && body !== null) return "access_token" in body ? "access_token=" : "";
  const length = Number(headers["content-length"] ?? Number.NaN);
  if (!(length <= FORM_BYTES)) return "";
  const decoder = new TextDecoder();
  let form = "";
  for await (const chunk of request) form += decoder.decode(chunk, { stream: true });
  request.body = Object.fromEntries(new URLSearchParams(form));
  return form;
}

function refuse(response: ExpressResponse, refusal: Refusal): void {
  const fields = new Map<string, string[]>();
  for (const [name, value] of refusal.headers) fields.set(name, [...(fields.get(name) ?? []), value]);
  response.statusCode = refusal.status;
  for (const [name, values] of fields) response.setHeader(name, values.length > 1 ? values : (values[0] as string));
  response.end(refusal.body);
}
