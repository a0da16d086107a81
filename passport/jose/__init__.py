"""The pieces that JWTs are made of: strict JSON and base64url, public keys, signatures. Pure."""
