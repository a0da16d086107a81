// oauth4webapi and jose: each step by hand, as a careful client takes it.
import * as jose from "jose"
import * as oauth from "oauth4webapi"

import { hear, say } from "./spoken.mjs"

const told = await hear()
const plain = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(told.issuer)

const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...plain }),
)
const { d, ...publicJwk } = told.jwk
const key = await crypto.subtle.importKey("jwk", told.jwk, { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"])
const publicKey = await crypto.subtle.importKey("jwk", publicJwk, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"])
const agent = { client_id: told.agent }
const authentication = oauth.PrivateKeyJwt(key)
const keyPair = { privateKey: key, publicKey }
const [bound] = told.services

// A clock that is a hundred seconds slow: the server asks for its nonce, and the second try succeeds.
const slow = oauth.DPoP({ ...agent, [oauth.clockSkew]: -100 }, keyPair)
const parameters = new URLSearchParams({ resource: bound.audience, scope: told.scope })
const ask = async () =>
  oauth.processClientCredentialsResponse(
    server,
    agent,
    await oauth.clientCredentialsGrantRequest(server, agent, authentication, parameters, { DPoP: slow, ...plain }),
  )
let asked = 0
const token = await ask().catch((refused) => {
  asked += 1
  if (!oauth.isDPoPNonceError(refused)) throw refused
  return ask()
})

const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri))
const verified = await jose.jwtVerify(token.access_token, keys, {
  issuer: told.issuer,
  audience: bound.audience,
  typ: "at+jwt",
  requiredClaims: ["exp", "iat", "jti", "sub", "client_id"],
})

// As the service: introspection in both forms.
const service = { client_id: bound.id }
const secret = oauth.ClientSecretBasic(bound.secret)
const look = async (more = {}, options = {}) =>
  oauth.processIntrospectionResponse(
    server,
    { ...service, ...more },
    await oauth.introspectionRequest(server, { ...service, ...more }, secret, token.access_token, { ...plain, ...options }),
  )
const seen = await look()
const signedClient = { introspection_signed_response_alg: "RS256" }
const response = await oauth.introspectionRequest(server, { ...service, ...signedClient }, secret, token.access_token, {
  requestJwtResponse: true,
  ...plain,
})
const signed = await oauth.processIntrospectionResponse(server, { ...service, ...signedClient }, response)
await oauth.validateApplicationLevelSignature(server, response, plain)

// As a resource server: the library's own check of a bound token and its proof.
const proofFor = async () => {
  const ath = jose.base64url.encode(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token.access_token))),
  )
  return new jose.SignJWT({ jti: crypto.randomUUID(), htm: "GET", htu: `${bound.audience}/x`, ath })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: publicJwk })
    .setIssuedAt()
    .sign(key)
}
const request = new Request(`${bound.audience}/x`, {
  headers: { authorization: `DPoP ${token.access_token}`, dpop: await proofFor() },
})
const accepted = await oauth.validateJwtAccessToken(server, request, bound.audience, plain)

// The end of that token.
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, agent, authentication, token.access_token, plain),
)
const after = await look()

say({
  nonceAsked: asked,
  tokenType: token.token_type,
  scope: token.scope,
  verifiedClient: verified.payload.client_id,
  kid: verified.protectedHeader.kid,
  active: seen.active,
  bound: seen.cnf.jkt === (await jose.calculateJwkThumbprint(publicJwk)),
  signedActive: signed.active,
  acceptedClient: accepted.client_id,
  activeAfterRevocation: after.active,
})

// Code with PKCE, pushed, bound to a key of its own; the person is played by the test.
const own = await oauth.generateKeyPair("ES256", { extractable: true })
const proofs = oauth.DPoP(agent, own)
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const wanted = new URLSearchParams({
  client_id: told.agent,
  redirect_uri: told.redirect,
  response_type: "code",
  scope: told.scope,
  state,
  resource: bound.audience,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
})
const retried = async (step) => step().catch((refused) => (oauth.isDPoPNonceError(refused) ? step() : Promise.reject(refused)))
const pushed = await retried(async () =>
  oauth.processPushedAuthorizationResponse(
    server,
    agent,
    await oauth.pushedAuthorizationRequest(server, agent, authentication, wanted, { DPoP: proofs, ...plain }),
  ),
)
const page = new URL(server.authorization_endpoint)
page.searchParams.set("client_id", told.agent)
page.searchParams.set("request_uri", pushed.request_uri)
say({ open: page.href })
const { back } = await hear()
const answer = oauth.validateAuthResponse(server, agent, new URL(back), state)
const granted = await retried(async () =>
  oauth.processAuthorizationCodeResponse(
    server,
    agent,
    await oauth.authorizationCodeGrantRequest(server, agent, authentication, answer, told.redirect, verifier, {
      DPoP: proofs,
      additionalParameters: { resource: bound.audience },
      ...plain,
    }),
  ),
)
const renewed = await retried(async () =>
  oauth.processRefreshTokenResponse(
    server,
    agent,
    await oauth.refreshTokenGrantRequest(server, agent, authentication, granted.refresh_token, { DPoP: proofs, ...plain }),
  ),
)
const claims = jose.decodeJwt(renewed.access_token)
say({
  tokenType: granted.token_type,
  scope: granted.scope,
  rotated: renewed.refresh_token !== granted.refresh_token,
  bound: claims.cnf.jkt === (await jose.calculateJwkThumbprint(await jose.exportJWK(own.publicKey))),
  client: claims.client_id,
  actor: claims.act?.sub,
})
process.exit(0)
