/**
 * Token Status List: reading a signed list, and the packed deltas of the feed.
 *
 * Values stand from the least significant bit of each byte (section 4.1). 0 is valid; 1 revoked;
 * 2 suspended; anything else is read as a refusal.
 */

import { type Bytes, decode } from "./base64.js";
import { readBytes } from "./body.js";
import { isObject, type Json, type JsonObject, timeOf } from "./json.js";
import { type Jws, LIST_BYTES, parse } from "./jws.js";
import { STATUS_LIST_TYP } from "./protocol.js";

export const UNPACKED_BYTES = 8 * 1024 * 1024;
export const [VALID, REVOKED, SUSPENDED] = [0, 1, 2] as const;
const BITS: readonly Json[] = [1, 2, 4, 8];
const AHEAD_SECONDS = 30;
const ADLER = 65521;
/** So many bytes can be summed before the sums outgrow 32 bits. */
const ADLER_STRIDE = 3800;

/** Not a list that may be relied on; the message says why. */
export class BadList extends Error {}

export interface ListParts {
  readonly uri: string;
  readonly bits: number;
  readonly values: Uint8Array;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly ttl: number;
  readonly ledger: number;
}

export class StatusList implements ListParts {
  readonly uri: string;
  readonly bits: number;
  readonly values: Uint8Array;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly ttl: number;
  /** Every change up to this position is in it. */
  ledger: number;

  constructor(parts: ListParts) {
    ({
      uri: this.uri,
      bits: this.bits,
      values: this.values,
      issuedAt: this.issuedAt,
      expiresAt: this.expiresAt,
      ttl: this.ttl,
      ledger: this.ledger,
    } = parts);
  }

  get length(): number {
    return (this.values.length * 8) / this.bits;
  }

  /** Undefined beyond the end. */
  value(index: number): number | undefined {
    const perByte = 8 / this.bits;
    const byte = this.values[Math.floor(index / perByte)];
    return byte === undefined ? undefined : (byte >> ((index % perByte) * this.bits)) & ((1 << this.bits) - 1);
  }

  /**
   * Never loosens: a revoked one stays revoked, a suspended one becomes at most revoked.
   *
   * False when the index or the value does not fit this list.
   */
  tighten(index: number, value: number): boolean {
    const held = this.value(index);
    if (held === undefined || value <= 0 || value >= 1 << this.bits) return false;
    if (held !== VALID && value !== REVOKED) return true;
    const perByte = 8 / this.bits;
    const shift = (index % perByte) * this.bits;
    const place = Math.floor(index / perByte);
    const cleared = (this.values[place] as number) & ~(((1 << this.bits) - 1) << shift);
    this.values[place] = cleared | (value << shift);
    return true;
  }

  /** Refuse whatever the other refuses. What is beyond either's end is left. */
  tightenAs(other: StatusList): void {
    const perByte = 8 / other.bits;
    for (const [place, byte] of other.values.entries()) {
      if (byte === 0) continue;
      for (let index = place * perByte; index < (place + 1) * perByte; index++) {
        this.tighten(index, Math.min(other.value(index) ?? VALID, (1 << this.bits) - 1));
      }
    }
  }
}

export interface ListCheck {
  /** Where it was fetched from. */
  readonly uri: string;
  readonly issuer: string;
  readonly now: number;
  /** Checks the signature; throws. */
  readonly verify: (jws: Jws) => Promise<void>;
}

/** Throws BadList. */
export async function readList(token: string, { uri, issuer, now, verify }: ListCheck): Promise<StatusList> {
  let jws: Jws;
  try {
    jws = parse(token, LIST_BYTES);
    await verify(jws);
  } catch (error) {
    throw new BadList((error as Error).message);
  }
  if (jws.typ !== STATUS_LIST_TYP) throw new BadList("typ is not statuslist+jwt");
  const { claims } = jws;
  if (claims["iss"] !== issuer || claims["sub"] !== uri) throw new BadList("of another issuer or another address");
  const [issuedAt, expiresAt, ttl] = [integer(claims, "iat"), integer(claims, "exp"), integer(claims, "ttl")];
  const ledger = "ledger" in claims ? integer(claims, "ledger") : 0;
  if (now >= expiresAt || issuedAt > now + AHEAD_SECONDS) throw new BadList("past its end, or from the future");
  return new StatusList({ uri, issuedAt, expiresAt, ttl, ledger, ...(await unpack(claims["status_list"])) });
}

function integer(claims: JsonObject, name: string): number {
  const value = timeOf(claims, name);
  if (value === undefined) throw new BadList(`${name} is missing or no integer`);
  return value;
}

export async function unpack(statusList: Json | undefined): Promise<{ bits: number; values: Uint8Array }> {
  if (!isObject(statusList)) throw new BadList("status_list is missing");
  const { bits, lst } = statusList as { bits?: Json; lst?: Json };
  if (!BITS.includes(bits ?? null) || timeOf(statusList, "bits") === undefined || typeof lst !== "string") {
    throw new BadList("bits or lst is malformed");
  }
  try {
    return { bits: bits as number, values: await inflate(decode(lst)) };
  } catch (error) {
    throw new BadList(`lst cannot be unpacked: ${(error as Error).message}`);
  }
}

/** RFC 1950. The stream of the platform may overlook a tail: the checksum must be the last four bytes. */
async function inflate(packed: Bytes): Promise<Uint8Array> {
  const values = await readBytes(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")), UNPACKED_BYTES);
  const sum = packed.length < 6 ? -1 : new DataView(packed.buffer, packed.byteOffset).getUint32(packed.length - 4);
  if (sum !== adler32(values)) throw new Error("the checksum is missing, wrong, or followed by a tail");
  return values;
}

function adler32(values: Uint8Array): number {
  let [low, high] = [1, 0];
  for (let start = 0; start < values.length; start += ADLER_STRIDE) {
    const end = Math.min(values.length, start + ADLER_STRIDE);
    for (let at = start; at < end; at++) {
      low += values[at] as number;
      high += low;
    }
    low %= ADLER;
    high %= ADLER;
  }
  return ((high << 16) | low) >>> 0;
}

/** Indexes from base64url of unsigned LEB128 gaps, rising. Throws BadList. */
export function readGaps(packed: Json | undefined): number[] {
  if (typeof packed !== "string") throw new BadList("a delta is no string");
  let raw: Uint8Array;
  try {
    raw = decode(packed);
  } catch {
    throw new BadList("a delta is not base64url");
  }
  const indexes: number[] = [];
  let [index, gap, scale] = [0, 0, 1];
  for (const byte of raw) {
    gap += (byte & 0x7f) * scale;
    scale *= 128;
    if (gap >= 8 * UNPACKED_BYTES || scale > 2 ** 49) throw new BadList("a delta points beyond any list");
    if (byte & 0x80) continue;
    if (indexes.length && gap === 0) throw new BadList("a delta repeats an index");
    index += gap;
    indexes.push(index);
    [gap, scale] = [0, 1];
  }
  if (scale !== 1) throw new BadList("a delta is cut off");
  return indexes;
}
