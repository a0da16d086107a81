/** For handlers of the Fetch kind: a `Request` comes in, a `Response` goes out. */

import { readBytes } from "./body.js";
import { FORM, FORM_BYTES } from "./call.js";
import { type Refusal, Refused } from "./refusals.js";
import { type RouteOptions, Routes, type Rules } from "./routes.js";
import type { Verified, Verifier } from "./verifier.js";

/** `caller` is undefined on open paths alone. */
export type Handler = (request: Request, caller: Verified | undefined) => Response | Promise<Response>;

/** Lets through who may; answers all others. `rules` names the scope of each route. */
export function guard(
  verifier: Verifier,
  rules: Rules,
  handler: Handler,
  options: RouteOptions = {},
): (request: Request) => Promise<Response> {
  const routes = new Routes(rules, options);
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    if (routes.isOpen(pathname)) return handler(request, undefined);
    const result = await check(verifier, routes, request, pathname + search);
    if (!result.ok) return toResponse(result);
    const response = await handler(request, result);
    return result.headers.length ? withHeaders(response, result) : response;
  };
}

async function check(verifier: Verifier, routes: Routes, request: Request, target: string) {
  try {
    const { scope, cost } = routes.need(request.method, target);
    const call = { method: request.method, target, headers: request.headers, form: await formOf(request) };
    return await verifier.check(call, { scope, ...(cost === undefined ? {} : { cost }) });
  } catch (error) {
    if (error instanceof Refused) return verifier.refuse(error);
    throw error;
  }
}

/** The body if it is a short form; the handler gets all of it again. */
async function formOf(request: Request): Promise<string> {
  const isForm = request.headers.get("Content-Type")?.toLowerCase().startsWith(FORM);
  if (!isForm || request.body === null || Number(request.headers.get("Content-Length")) > FORM_BYTES) return "";
  try {
    return new TextDecoder().decode(await readBytes(request.clone().body, FORM_BYTES));
  } catch {
    return "";
  }
}

export function toResponse(refusal: Refusal): Response {
  const headers = new Headers();
  for (const [name, value] of refusal.headers) headers.append(name, value);
  return new Response(refusal.body, { status: refusal.status, headers });
}

function withHeaders(response: Response, verified: Verified): Response {
  // Those of a response from elsewhere cannot be written to.
  const added = new Response(response.body, response);
  for (const [name, value] of verified.headers) added.headers.set(name, value);
  return added;
}
