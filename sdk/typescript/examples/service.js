// A small service that lets agents in: GET /echo for echo:read, POST /infer for model:infer.
//
//   npm install agent-passport express
//   AGENT_PASSPORT_ISSUER=… SERVICE_AUDIENCE=… SERVICE_CLIENT_ID=… SERVICE_CLIENT_SECRET=… node service.js
//
// Also read: PORT (8800), SERVICE_URL (where agents reach it), SERVICE_STATE (a folder, so that it can
// start while the issuer is away), SERVICE_OUTAGE (ttl, or exp to go on longer without the issuer).

import express from "express";
import { agentPassport, Verifier } from "agent-passport";
import { FileStore } from "agent-passport/node";

const { env } = process;
const port = Number(env.PORT ?? 8800);
const verifier = new Verifier({
  issuer: env.AGENT_PASSPORT_ISSUER,
  audience: env.SERVICE_AUDIENCE,
  baseUrl: env.SERVICE_URL ?? `http://127.0.0.1:${port}`,
  clientId: env.SERVICE_CLIENT_ID,
  clientSecret: env.SERVICE_CLIENT_SECRET,
  outage: env.SERVICE_OUTAGE === "exp" ? "exp" : "ttl",
  ...(env.SERVICE_STATE ? { store: new FileStore(env.SERVICE_STATE) } : {}),
});

const rules = { "GET /echo": "echo:read", "POST /infer": "model:infer" };
const app = express();
app.use(agentPassport(verifier, rules, { openPaths: ["/readyz"] }));
app.use(express.json());

app.get("/readyz", (_, response) => response.json({ ready: verifier.isReady, live: verifier.isLive }));

app.get("/echo", (request, response) => {
  const { agent, account } = request.agentPassport;
  response.json({ say: request.query.say ?? "hello", agent, account });
});

app.post("/infer", (request, response) => {
  const prompt = String(request.body?.prompt ?? "");
  response.json({ completion: [...prompt].reverse().join(""), units: 1 });
});

await verifier.start();
const server = app.listen(port, "127.0.0.1");
process.once("SIGTERM", async () => {
  await verifier.close();
  server.close();
  server.closeAllConnections();
});
