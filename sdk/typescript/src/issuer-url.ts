/** What an issuer's address may look like, and where it may be reached. */

import { ConfigurationError } from "./errors.js";

const LOCAL = new Set(["127.0.0.1", "[::1]", "localhost"]);

/**
 * The issuer as it stands in `iss`. Throws ConfigurationError.
 *
 * Plain http is for a server on this machine: elsewhere tokens would travel readable.
 */
export function checkIssuer(issuer: string): string {
  const parts = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const strange = !parts || parts.search || parts.hash || parts.username || parts.password || issuer.endsWith("/");
  if (strange) {
    throw new ConfigurationError("the issuer is no plain URL", {
      cure: "Give it as it stands in the metadata, without a slash at the end",
    });
  }
  if (!isPrivate(parts)) {
    throw new ConfigurationError("the issuer is not reached over https", { cure: "Use its https address" });
  }
  return issuer;
}

/** Nobody on the way can read what is sent there. */
export function isPrivate(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && LOCAL.has(url.hostname));
}
