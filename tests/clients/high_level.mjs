// openid-client: the same journeys by the functions that most people use.
import * as client from "openid-client"

import { hear, say } from "./spoken.mjs"

const told = await hear()
const [bound] = told.services
const ecdsa = { name: "ECDSA", namedCurve: "P-256" }
const { d, ...publicJwk } = told.jwk
const privateKey = await crypto.subtle.importKey("jwk", told.jwk, ecdsa, true, ["sign"])
const publicKey = await crypto.subtle.importKey("jwk", publicJwk, ecdsa, true, ["verify"])
const options = { algorithm: "oauth2", execute: [client.allowInsecureRequests] }

const agent = await client.discovery(new URL(told.issuer), told.agent, undefined, client.PrivateKeyJwt(privateKey), options)
const service = await client.discovery(
  new URL(told.issuer), bound.id, undefined, client.ClientSecretBasic(bound.secret), options,
)

// A clock that is seventy seconds slow: an assertion is still taken, for a proof the server asks for its nonce, and the library sends it by itself.
let refusals = 0
const counting = async (url, sent) => {
  const answer = await fetch(url, sent)
  if (answer.status === 400 && (await answer.clone().json()).error === "use_dpop_nonce") refusals += 1
  return answer
}
const slow = await client.discovery(
  new URL(told.issuer), told.agent, { [client.clockSkew]: -70 }, client.PrivateKeyJwt(privateKey),
  { ...options, [client.customFetch]: counting },
)
const DPoP = client.getDPoPHandle(slow, { privateKey, publicKey })
const token = await client.clientCredentialsGrant(slow, { resource: bound.audience, scope: told.scope }, { DPoP })
const seen = await client.tokenIntrospection(service, token.access_token)
await client.tokenRevocation(agent, token.access_token)
const after = await client.tokenIntrospection(service, token.access_token)
say({
  nonceAsked: refusals,
  tokenType: token.token_type,
  scope: token.scope,
  active: seen.active,
  activeAfterRevocation: after.active,
})

const own = client.getDPoPHandle(agent, await client.randomDPoPKeyPair("ES256"))
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const page = await client.buildAuthorizationUrlWithPAR(
  agent,
  {
    redirect_uri: told.redirect,
    scope: told.scope,
    state: expectedState,
    resource: bound.audience,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  },
  { DPoP: own },
)
say({ open: page.href })
const { back } = await hear()
const granted = await client.authorizationCodeGrant(
  agent, new URL(back), { pkceCodeVerifier, expectedState }, { resource: bound.audience }, { DPoP: own },
)
const renewed = await client.refreshTokenGrant(agent, granted.refresh_token, undefined, { DPoP: own })
say({
  tokenType: granted.token_type,
  scope: granted.scope,
  rotated: renewed.refresh_token !== granted.refresh_token,
})
process.exit(0)
