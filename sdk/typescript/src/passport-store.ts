/** Where a passport is kept between two starts, so that a process that starts again asks for no new one. */

import type { Held, Session } from "./grants.js";

/** Text under a name: a folder (`FileStore` of `agent-passport/node`), IndexedDB, a secret store. */
export interface Store {
  load(name: string): Promise<string | undefined>;
  save(name: string, text: string): Promise<void>;
}

/** What is damaged or belongs to another agent counts as absent: the passport is then obtained anew. */
export async function loadPassport(store: Store | undefined, session: Session): Promise<Held | undefined> {
  try {
    const text = await store?.load(nameOf(session));
    const found = text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
    if (found?.["issuer"] !== session.issuer || found["client_id"] !== session.clientId) return undefined;
    const { passport: value, received_at: receivedAt, expires_at: expiresAt, scopes } = found;
    if (typeof value !== "string" || typeof receivedAt !== "number" || typeof expiresAt !== "number") return undefined;
    return { value, receivedAt, expiresAt, scopes: Array.isArray(scopes) ? scopes.map(String) : [], tokenType: "N_A" };
  } catch {
    return undefined;
  }
}

export async function savePassport(store: Store | undefined, session: Session, held: Held): Promise<void> {
  const contents = {
    issuer: session.issuer,
    client_id: session.clientId,
    passport: held.value,
    received_at: held.receivedAt,
    expires_at: held.expiresAt,
    scopes: held.scopes,
  };
  await store?.save(nameOf(session), `${JSON.stringify(contents)}\n`);
}

/** The same file as of the Python SDK: an agent that changes its language keeps its passport. */
function nameOf(session: Session): string {
  return `passport-${session.key.thumbprint}.json`;
}
