"""Admission on a real Redis Cluster of three nodes: one script, keys of one partition, one node each."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis
from redis.cluster import ClusterNode, RedisCluster

from passport.admission.contract import PARTITIONS, Admission
from passport.admission.redis import RedisStore, key
from tests.passport.admission.asking import NOON_US, bucket, fresh, proof
from tests.processes import free_port
from tests.services import die_with_parent, redis_binary

pytestmark = [pytest.mark.services, pytest.mark.stores]

SINCE_US = NOON_US - 1
SLOTS = 16_384
THIRD = SLOTS // 3


@contextmanager
def node(folder: Path, port: int) -> Iterator[redis.Redis]:
    home = folder / str(port)
    home.mkdir()
    bus = free_port()
    command = [
        redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port",
        str(bus), "--save", "", "--maxmemory-policy", "noeviction", "--dir", str(home),
    ]  # fmt: skip
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)
    connection = redis.Redis(port=port, socket_timeout=2)
    connection.bus_port = bus  # type: ignore[attr-defined]
    try:
        wait_for(lambda: connection.ping())
        yield connection
    finally:
        connection.close()
        process.terminate()
        process.wait(10)


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if condition():  # type: ignore[operator]
                return
        except redis.RedisError:
            pass
        time.sleep(0.02)
    pytest.fail("the cluster did not form within a minute")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    folder, ports = tmp_path_factory.mktemp("cluster"), [free_port() for _ in range(3)]
    with ExitStack() as stack:
        nodes = [stack.enter_context(node(folder, port)) for port in ports]
        for place, one in enumerate(nodes):
            last = SLOTS - 1 if place == 2 else (place + 1) * THIRD - 1
            one.execute_command("CLUSTER ADDSLOTSRANGE", place * THIRD, last)
            one.execute_command("CLUSTER MEET", "127.0.0.1", ports[0], nodes[0].bus_port)  # type: ignore[attr-defined]
        for one in nodes:
            wait_for(lambda one=one: one.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        client = RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", port) for port in ports])
        yield client
        client.close()


@pytest.fixture
def store(cluster: RedisCluster) -> RedisStore:
    made = RedisStore(cluster)  # type: ignore[arg-type]
    made.mark(SINCE_US)
    return made


def test_every_partition_is_admitted_whole_on_whichever_node_it_lies(store, cluster) -> None:
    """Agent, account, cluster, proof and record of one admission share a slot: else Redis refuses the script."""
    nodes = set()
    for number in range(PARTITIONS):
        partition = f"p{number:03d}"
        spent = proof()
        asked = Admission(
            partition, (spent,), (bucket(fresh("a"), 2), bucket(fresh("c"), 2)), {"jti": partition}, NOON_US
        )
        assert store.admit(asked, SINCE_US).taken
        assert store.admit(asked, SINCE_US).replayed == 0
        nodes.add(cluster.get_node_from_key(key(partition, "since")).port)
    assert len(nodes) == 3


def test_limits_hold_on_a_cluster(store) -> None:
    limited = Admission("p007", (), (bucket(fresh("b"), 3),), None, NOON_US)
    assert [store.admit(limited, SINCE_US).taken for _ in range(5)] == [True, True, True, False, False]
