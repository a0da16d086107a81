// An agent that calls the example service.
//
//   AGENT_PASSPORT_ISSUER=… AGENT_PASSPORT_CLIENT_ID=… AGENT_PASSPORT_KEY=agent-key.json \
//   SERVICE_AUDIENCE=… SERVICE_URL=http://127.0.0.1:8800 node agent.js

import { Agent, agentFetch } from "agent-passport";
import { FileStore, loadKey } from "agent-passport/node";

const { env } = process;
const agent = new Agent({
  issuer: env.AGENT_PASSPORT_ISSUER,
  clientId: env.AGENT_PASSPORT_CLIENT_ID,
  key: await loadKey(env.AGENT_PASSPORT_KEY),
  ...(env.AGENT_PASSPORT_STATE ? { store: new FileStore(env.AGENT_PASSPORT_STATE) } : {}),
});
const call = agentFetch(agent, { audience: env.SERVICE_AUDIENCE, scope: "echo:read model:infer" });
const infer = { method: "POST", body: JSON.stringify({ prompt: "olleh" }), headers: { "Content-Type": "application/json" } };

for (const answer of [await call(`${env.SERVICE_URL}/echo`), await call(`${env.SERVICE_URL}/infer`, infer)]) {
  console.log(answer.status, await answer.text(), answer.headers.get("RateLimit") ?? "");
}
