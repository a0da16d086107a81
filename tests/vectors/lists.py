"""Status lists, packed deltas, and what becomes of a list that is followed, with the verdicts."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.passport.crafting import ALICE, MALLORY, TestKey, b64, jws

NOW = 1_795_521_600
ISSUER = "https://passport.test"
LIST = f"{ISSUER}/status/1"
SIZE = 64
GOOD, BAD = "good", "bad"
MOST_INDEX = 8 * 8 * 1024 * 1024


def packed_values(values: Mapping[int, int], *, size: int = SIZE, bits: int = 2) -> bytes:
    """From the least significant bit of each byte (Token Status List section 4.1)."""
    content = bytearray(size * bits // 8)
    for index, value in values.items():
        content[index * bits // 8] |= value << index * bits % 8
    return bytes(content)


def stored(content: bytes) -> bytes:
    """A zlib stream (RFC 1950) that does not compress: the same bytes from whichever library."""
    length = len(content).to_bytes(2, "little")
    complement = (len(content) ^ 0xFFFF).to_bytes(2, "little")
    return b"\x78\x01\x01" + length + complement + content + zlib.adler32(content).to_bytes(4, "big")


def list_claims(values: Mapping[int, int] | None = None, **changes: Any) -> dict[str, Any]:
    """A list of 64 entries; a claim that is None is left out."""
    content = stored(packed_values(values or {}))
    claims = {
        "iss": ISSUER,
        "sub": LIST,
        "iat": NOW,
        "exp": NOW + 300,
        "ttl": 60,
        "ledger": 10,
        "status_list": {"bits": 2, "lst": b64(content)},
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed_list(claims: Mapping[str, Any], *, key: TestKey = ALICE, **header: Any) -> str:
    return jws(key, claims, header={"typ": "statuslist+jwt", "kid": ALICE.thumbprint, **header})


def with_lst(content: bytes | str, bits: Any = 2) -> str:
    lst = content if isinstance(content, str) else b64(content)
    return signed_list(list_claims(status_list={"bits": bits, "lst": lst}))


def list_case(name: str, token: str, verdict: str, **expected: Any) -> dict[str, Any]:
    return {"name": name, "uri": LIST, "token": token, "verdict": verdict, **expected}


def list_cases() -> Iterator[dict[str, Any]]:
    values = {0: 1, 1: 2, 5: 3, 63: 1}
    expected = {
        "length": SIZE,
        "ledger": 10,
        "values": {str(index): value for index, value in values.items()},
    }
    yield list_case("good", signed_list(list_claims(values)), GOOD, **expected)
    yield list_case(
        "typ with application/", signed_list(list_claims(), typ="application/statuslist+jwt"), GOOD
    )
    yield list_case(
        "no ledger counts as the beginning", signed_list(list_claims(ledger=None)), GOOD, ledger=0
    )
    yield list_case("iat 30 s ahead", signed_list(list_claims(iat=NOW + 30)), GOOD)
    yield list_case("the last second", signed_list(list_claims(exp=NOW + 1)), GOOD)
    for bits in (1, 2, 4, 8):
        content = packed_values({0: 1, 3: 1}, bits=bits)
        yield list_case(
            f"{bits} bits", with_lst(stored(content), bits), GOOD, length=SIZE, values={"0": 1, "3": 1}
        )

    yield list_case("signed by another key", signed_list(list_claims(), key=MALLORY), BAD)
    yield list_case("signed by an unknown key", signed_list(list_claims(), kid="unknown"), BAD)
    for typ in (None, "jwt", "at+jwt", "statuslist+cwt"):
        yield list_case(f"typ {typ}", signed_list(list_claims(), typ=typ), BAD)
    for name, changes in {
        "of another issuer": {"iss": "https://mallory.test"},
        "of another address": {"sub": f"{ISSUER}/status/2"},
        "address with a slash more": {"sub": f"{LIST}/"},
        "past its end": {"exp": NOW},
        "from the future": {"iat": NOW + 31},
        "exp missing": {"exp": None},
        "exp a text": {"exp": str(NOW + 300)},
        "exp a fraction": {"exp": NOW + 300.5},
        "exp a whole number written as a fraction": {"exp": float(NOW + 300)},
        "iat a bool": {"iat": True},
        "ttl missing": {"ttl": None},
        "ttl negative": {"ttl": -1},
        "ledger a text": {"ledger": "10"},
        "status_list missing": {"status_list": None},
        "status_list an array": {"status_list": [2]},
    }.items():
        yield list_case(name, signed_list(list_claims(**changes)), BAD)
    content = stored(packed_values({}))
    for bits in (0, 3, 16, -2, True, "2", None):
        yield list_case(f"bits {bits!r}", with_lst(content, bits), BAD)
    yield list_case("lst not base64url", with_lst("e+No"), BAD)
    yield list_case("lst padded", with_lst(b64(content) + "="), BAD)
    yield list_case("lst not compressed", with_lst(packed_values({})), BAD)
    yield list_case("lst cut off", with_lst(content[:-5]), BAD)
    yield list_case("lst with a tail", with_lst(content + b"tail"), BAD)
    yield list_case("checksum wrong", with_lst(content[:-1] + b"\x00"), BAD)


def gaps(indexes: Iterable[int]) -> str:
    """Unsigned LEB128 of the gaps between rising indexes, base64url."""
    out, before = bytearray(), 0
    for index in indexes:
        gap, before = index - before, index
        while gap >= 0x80:
            out.append(gap & 0x7F | 0x80)
            gap >>= 7
        out.append(gap)
    return b64(bytes(out))


def packings() -> Iterator[dict[str, Any]]:
    for name, indexes in {
        "none": [],
        "the first": [0],
        "one": [7],
        "two side by side": [7, 8],
        "the last that fits a byte": [127],
        "the first of two bytes": [128],
        "two bytes whole": [16383, 16384],
        "far apart": [0, 1, 300, 131_071],
    }.items():
        yield {"name": name, "packed": gaps(indexes), "indexes": indexes}
    for name, packed in {
        "padded": "Bw==",
        "not base64url": "B+",
        "cut off": b64(b"\x07\x80"),
        "an index twice": b64(b"\x07\x00"),
        "beyond any list": b64(b"\xff\xff\xff\xff\x0f"),
        "without end": b64(b"\xff" * 16 + b"\x01"),
    }.items():
        yield {"name": name, "packed": packed, "indexes": None}


def a_list(ledger: int, values: Mapping[int, int] | None = None, *, iat: int = 0) -> dict[str, Any]:
    """``iat``: seconds after the beginning."""
    return {"list": signed_list(list_claims(values, ledger=ledger, iat=NOW + iat, exp=NOW + iat + 300))}


def a_delta(ledger: int, revoked: Iterable[int] = (), suspended: Iterable[int] = ()) -> dict[str, Any]:
    members = {"1": gaps(revoked), "2": gaps(suspended)}
    return {"delta": {"ledger": ledger, **{name: packed for name, packed in members.items() if packed}}}


def sequence(
    name: str, *steps: dict[str, Any], values: dict[int, int], wanting: bool = False
) -> dict[str, Any]:
    """What stands at each index after all steps; ``wanting``: the list has to be fetched anew."""
    return {
        "name": name,
        "steps": steps,
        "values": {str(index): value for index, value in values.items()},
        "wanting": wanting,
    }


def sequences() -> Iterator[dict[str, Any]]:
    yield sequence("a delta revokes", a_list(10), a_delta(11, [7]), values={6: 0, 7: 1, 8: 0})
    yield sequence("a delta suspends", a_list(10), a_delta(11, [], [7]), values={7: 2})
    yield sequence("suspended becomes revoked", a_list(10, {7: 2}), a_delta(11, [7]), values={7: 1})
    yield sequence("revoked stays revoked", a_list(10, {7: 1}), a_delta(11, [], [7]), values={7: 1})
    yield sequence("a delta the list holds already", a_list(10), a_delta(10, [7]), values={7: 0})
    yield sequence("a delta before its list", a_delta(11, [7]), a_list(10), values={7: 1})
    yield sequence("a list that holds the delta replaces it", a_delta(11, [7]), a_list(11), values={7: 0})
    yield sequence(
        "only a newer list loosens",
        a_list(10, {7: 2}),
        a_list(12, iat=5),
        a_delta(11, [], [7]),
        values={7: 0},
    )
    yield sequence(
        "an older list that arrives late changes nothing",
        a_list(12, {7: 1}, iat=5),
        a_list(11),
        values={7: 1},
    )
    yield sequence(
        "a list older by ledger but newer by iat", a_list(12, {7: 1}), a_list(11, iat=5), values={7: 1}
    )
    yield sequence(
        "deltas go on top of a list that is older than they",
        a_list(10), a_delta(12, [7]), a_list(11, {8: 2}, iat=5), values={7: 1, 8: 2},
    )  # fmt: skip
    yield sequence("an announced list is wanted", a_list(10), {"want": 11}, values={7: 0}, wanting=True)
    yield sequence(
        "an announced list that came", a_list(10, {7: 2}), {"want": 11}, a_list(11, iat=5), values={7: 0}
    )
    yield sequence(
        "a delta beyond the end wants the list anew",
        a_list(10),
        a_delta(11, [SIZE]),
        values={7: 0},
        wanting=True,
    )


ENCODINGS = [
    {
        "source": "draft-ietf-oauth-status-list section 4.1",
        "bits": 1,
        "values": [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1],
        "bytes": "b9a3",
        "lst": "eNrbuRgAAhcBXQ",
    },
    {
        "source": "draft-ietf-oauth-status-list section 4.1",
        "bits": 2,
        "values": [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3],
        "bytes": "c944f9",
        "lst": "eNo76fITAAPfAgc",
    },
]


def documents() -> dict[str, dict[str, Any]]:
    keys = [ALICE.jwk | {"kid": ALICE.thumbprint, "use": "sig", "alg": "ES256"}]
    known = {"now": NOW, "issuer": ISSUER, "jwks": {"keys": keys}}
    return {
        "lists.json": {**known, "encodings": ENCODINGS, "cases": list(list_cases())},
        "deltas.json": {**known, "uri": LIST, "packings": list(packings()), "sequences": list(sequences())},
    }
