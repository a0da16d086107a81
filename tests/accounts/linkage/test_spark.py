"""Blocks on Spark, in local mode, of fifty thousand accounts (`make soak`)."""

import os
from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pytest

from accounts.linkage.columns import CAP_OF_KIND, KIND_NUMBER, Evidence, Sighting, Value, gather
from accounts.linkage.grades import find_grouped
from accounts.linkage.spark import NoSpark, find_on_spark
from benchmarks.linkage.populations import make
from foundation.sealing.hashes import keyed_hashes

pytestmark = pytest.mark.skipif(not os.environ.get("AP_SOAK"), reason="long: make soak")


def population() -> Evidence:
    def sightings() -> Iterator[Sighting]:
        seen = {}
        for line in make("register", size=50_000, seed=4).lines():
            at = int(datetime.fromisoformat(line["time"]).timestamp())
            seen.setdefault((line["account"], line["kind"], line["value"]), at)
        for (account, kind, value), at in seen.items():
            if CAP_OF_KIND[KIND_NUMBER[kind]]:
                digest = keyed_hashes(f"linkage/{kind}", value.encode())[0].digest
                yield Sighting(account, Value(kind, digest), at, at)

    return gather(sightings())


def test_spark_finds_the_same_blocks_of_fifty_thousand_accounts() -> None:
    evidence = population()
    try:
        found = find_on_spark(evidence)
    except NoSpark as missing:
        pytest.skip(str(missing))
    whole = find_grouped(evidence)
    assert len(whole.blocks.organisation) > 100
    np.testing.assert_array_equal(found.blocks.group, whole.blocks.group)
    np.testing.assert_array_equal(found.blocks.edge, whole.blocks.edge)
    np.testing.assert_array_equal(found.copied, whole.copied)
