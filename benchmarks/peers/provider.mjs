// npm oidc-provider as a peer: private_key_jwt, DPoP, signed access tokens, everything it must remember in Redis.
import { Redis } from "ioredis"
import Provider from "oidc-provider"

const { issuer, port, redis: path, database, client, jwks, resource } = JSON.parse(process.argv[2])
const redis = new Redis({ path, db: database, keyPrefix: "oidc:" })

class Adapter {
  constructor(name) {
    this.name = name
  }

  key(id) {
    return `${this.name}:${id}`
  }

  async upsert(id, payload, expiresIn) {
    const value = JSON.stringify(payload)
    await (expiresIn ? redis.set(this.key(id), value, "EX", expiresIn) : redis.set(this.key(id), value))
  }

  async find(id) {
    const found = await redis.get(this.key(id))
    return found ? JSON.parse(found) : undefined
  }

  async findByUid() {}

  async findByUserCode() {}

  async consume(id) {
    const found = await this.find(id)
    if (found) await redis.set(this.key(id), JSON.stringify({ ...found, consumed: Math.floor(Date.now() / 1000) }), "KEEPTTL")
  }

  async destroy(id) {
    await redis.del(this.key(id))
  }

  async revokeByGrantId() {}
}

const provider = new Provider(issuer, {
  adapter: Adapter,
  clients: [
    {
      client_id: client.id,
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [client.jwk] },
      id_token_signed_response_alg: "ES256",
      dpop_bound_access_tokens: true,
    },
  ],
  clientAuthMethods: ["private_key_jwt"],
  jwks,
  features: {
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: "model:infer",
        audience: resource,
        accessTokenTTL: 300,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
  enabledJWA: { clientAuthSigningAlgValues: ["ES256"], dPoPSigningAlgValues: ["ES256"] },
})
provider.listen(port, "127.0.0.1", () => console.log("listening"))
