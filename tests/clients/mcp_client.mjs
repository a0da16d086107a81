// @modelcontextprotocol/sdk: finds the authorization server by the resource's document,
// registers or is known by a document of its own, calls a tool.
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"

import { hear, say } from "./spoken.mjs"

const told = await hear()
const kept = {}
const provider = {
  redirectUrl: told.redirect,
  clientMetadataUrl: told.document,
  clientMetadata: {
    client_name: "A tool of Alice",
    redirect_uris: [told.redirect],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  state: () => "state-1",
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  redirectToAuthorization: (url) => say({ open: url.href }),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
}
const url = new URL(told.resource)
const first = new StreamableHTTPClientTransport(url, { authProvider: provider })
try {
  await new Client({ name: "test", version: "1" }).connect(first)
  throw new Error("no token was asked for")
} catch (refused) {
  if (!(refused instanceof UnauthorizedError)) throw refused
}
const { back } = await hear()
await first.finishAuth(new URL(back).searchParams.get("code"))
const client = new Client({ name: "test", version: "1" })
await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }))
const answer = await client.callTool({ name: "add", arguments: { a: 20, b: 22 } })
say({
  client: kept.client.client_id,
  text: answer.content[0].text,
  tokenType: kept.tokens.token_type,
  refreshes: Boolean(kept.tokens.refresh_token),
})
process.exit(0)
