"""Which store decides when Redis is lost, emptied or back (DESIGN section 5)."""

from datetime import timedelta

import pytest
import redis.exceptions
from redis.connection import UnixDomainSocketConnection

from foundation import clock
from foundation.ledger.models import Entry
from passport.admission import memory, mode, stores
from passport.admission.admit import admit
from passport.admission.database import DatabaseStore, forget_expired
from passport.admission.models import AdmissionMode
from passport.errors import TemporarilyUnavailable
from tests.passport.admission.asking import NOON_US, SECOND, ask, bucket, fresh, proof

pytestmark = pytest.mark.django_db


def row() -> str:
    return AdmissionMode.objects.get(pk=1).mode


def entries() -> list[str]:
    return list(Entry.objects.filter(type="admission.mode").values_list("reason", flat=True))


@pytest.mark.stores
class TestRedis:
    @pytest.fixture(autouse=True)
    def begun(self, connection):
        self.mode = mode.begin(clock.now())

    @pytest.fixture
    def broken(self, monkeypatch):
        """Redis answers every command with this failure. Counts what is sent."""

        def breaks(failure):
            sent = []

            def send(self, *args, **kwargs):
                sent.append(args[0])
                raise failure

            monkeypatch.setattr(UnixDomainSocketConnection, "send_packed_command", send)
            return sent

        return breaks

    def test_it_begins_with_redis(self) -> None:
        assert self.mode.name == "redis"
        assert admit(ask(spent=(proof(),)), self.mode).taken

    @pytest.mark.parametrize(
        "failure",
        [
            redis.exceptions.ConnectionError("gone"),
            redis.exceptions.TimeoutError("slow"),
            redis.exceptions.BusyLoadingError("loading"),
            redis.exceptions.ReadOnlyError("a replica"),
            redis.exceptions.OutOfMemoryError("full"),
        ],
    )
    def test_a_lost_redis_is_503_and_turns_the_mode_once(self, broken, monkeypatch, failure) -> None:
        admit(ask(), self.mode)
        sent = broken(failure)
        for _ in range(3):
            with pytest.raises(TemporarilyUnavailable) as refusal:
                admit(ask(spent=(proof(),)), self.mode)
            assert refusal.value.status == 503
            assert refusal.value.retry_after >= 1
        assert row() == "database"
        assert entries() == ["start", type(failure).__name__]
        assert admit(ask(spent=(proof(),)), mode.current()).taken
        assert len(sent) == 3, "nothing is ever sent twice"

    def test_an_emptied_redis_is_not_believed(self, connection) -> None:
        spent = proof()
        assert admit(ask(spent=(spent,)), self.mode).taken
        connection.flushdb()
        with pytest.raises(TemporarilyUnavailable):
            admit(ask(spent=(spent,)), self.mode)
        assert row() == "database"

    def test_a_script_that_redis_forgot_is_sent_again_once(self, connection) -> None:
        spent = proof()
        admit(ask(), self.mode)
        connection.script_flush()
        assert admit(ask(spent=(spent,)), self.mode).taken
        assert admit(ask(spent=(spent,)), self.mode).replayed == 0

    def test_the_probe_turns_back_to_a_redis_that_answers(self) -> None:
        mode.lose(self.mode, "test", clock.now())
        lost = mode.current()
        mode.probe()
        back = mode.current()
        assert back.name == "redis"
        assert back.since_us > lost.since_us
        assert admit(ask(spent=(proof(),)), back).taken
        assert entries() == ["start", "test", "recovered"]

    def test_the_probe_leaves_the_mode_while_redis_is_gone(self, broken) -> None:
        mode.lose(self.mode, "test", clock.now())
        broken(redis.exceptions.ConnectionError("gone"))
        mode.probe()
        assert row() == "database"

    def test_the_probe_finds_what_no_request_has_met(self, connection) -> None:
        connection.flushdb()
        mode.probe()
        assert row() == "database"

    def test_a_request_that_read_the_mode_before_the_change_does_not_change_it_again(self) -> None:
        mode.lose(self.mode, "test", clock.now())
        mode.probe()
        mode.lose(self.mode, "late", clock.now())
        assert row() == "redis"

    def test_a_redis_that_evicts_is_never_marked(self, lone_connection) -> None:
        mode.lose(self.mode, "test", clock.now())
        lone_connection.config_set("maxmemory-policy", "allkeys-lru")
        mode.probe()
        assert row() == "database"

    def test_each_partition_keeps_to_its_own_hash_tag(self, connection) -> None:
        connection.flushdb()
        mode.lose(self.mode, "test", clock.now())
        mode.probe()
        admit(ask(bucket(fresh("b"), 3), spent=(proof(),), record={"jti": "x"}), mode.current())
        written = {name for name in connection.keys("*") if not name.endswith((b":since", b"probe"))}
        assert len(written) == 4
        assert all(name.startswith(b"{p042}:") for name in written)

    def test_everything_but_the_count_of_records_ends_by_itself(self, connection) -> None:
        admit(ask(bucket(fresh("b"), 3), spent=(proof(),)), self.mode)
        lives = {name: connection.pttl(name) for name in connection.keys(b"{p042}:[sb]:*")}
        assert lives
        assert all(0 < life <= 91_000 for life in lives.values())


@pytest.mark.embedded
class TestMemory:
    @pytest.fixture(autouse=True)
    def embedded(self, settings):
        settings.ADMISSION_REDIS_URL = ""
        memory.STORE.clear()
        self.mode = mode.begin(clock.now())

    def test_it_begins_in_process(self) -> None:
        assert self.mode.name == "memory"
        assert admit(ask(spent=(proof(),)), self.mode).taken

    def test_each_start_is_a_new_beginning(self) -> None:
        again = mode.begin(clock.now())
        assert again.since_us > self.mode.since_us

    def test_what_another_process_knew_is_not_assumed(self, monkeypatch) -> None:
        restarted = memory.MemoryStore()
        monkeypatch.setattr(memory, "STORE", restarted)
        with pytest.raises(TemporarilyUnavailable):
            admit(ask(spent=(proof(),)), self.mode)
        now = mode.current()
        assert now.since_us > self.mode.since_us
        assert admit(ask(spent=(proof(),)), now).taken

    def test_full_of_what_is_alive_it_refuses_and_forgets_nothing(self) -> None:
        store = memory.MemoryStore(most_spent=3)
        store.mark(0)
        known = [proof() for _ in range(3)]
        for one in known:
            assert store.admit(ask(spent=(one,)), 0).taken
        with pytest.raises(stores.StoreUnavailable):
            store.admit(ask(spent=(proof(),)), 0)
        assert not any(store.admit(ask(spent=(one,)), 0).taken for one in known)
        later = NOON_US + 61 * SECOND
        assert store.admit(ask(spent=(proof(now_us=later),), now_us=later), 0).taken

    def test_buckets_that_have_filled_again_are_dropped(self) -> None:
        store = memory.MemoryStore()
        store.mark(0)
        for number in range(3000):
            store.admit(ask(bucket(f"b{number}", 1), now_us=NOON_US + number * 2 * SECOND), 0)
        assert store.size()[1] < 1100


@pytest.mark.embedded
class TestDatabase:
    def test_it_gives_a_share_of_each_rate_and_beyond_it_503(self) -> None:
        store, key = DatabaseStore(share=0.25), fresh("b")
        taken = [store.admit(ask(bucket(key, 8)), 0).taken for _ in range(2)]
        assert taken == [True, True]
        with pytest.raises(stores.StoreUnavailable) as refusal:
            store.admit(ask(bucket(key, 8)), 0)
        assert refusal.value.retry_after_seconds == 4

    def test_what_the_whole_rate_would_refuse_is_the_caller_s_doing(self) -> None:
        store, key = DatabaseStore(share=0.25), fresh("b")
        said = []
        for _ in range(10):
            try:
                said.append("taken" if store.admit(ask(bucket(key, 8)), 0).taken else "refused")
            except stores.StoreUnavailable:
                said.append("unavailable")
        assert said == ["taken"] * 2 + ["unavailable"] * 6 + ["refused"] * 2

    def test_what_could_never_pass_is_a_refusal_there_too(self) -> None:
        assert not DatabaseStore(share=0.25).admit(ask(bucket(fresh("b"), 8, cost=9)), 0).taken

    def test_expired_rows_are_swept(self) -> None:
        DatabaseStore(share=1).admit(ask(bucket(fresh("b"), 3), spent=(proof(),)), 0)
        assert forget_expired(NOON_US) == 0
        assert forget_expired(NOON_US + 200 * SECOND) == 2


class TestWhatNeedsANonce:
    NOON = mode.EPOCH + timedelta(microseconds=NOON_US)

    def test_a_proof_from_before_the_change_does(self) -> None:
        assert mode.needs_nonce(self.NOON - timedelta(seconds=1), self.NOON)

    def test_a_proof_dated_ahead_may_be_from_before_it_too(self) -> None:
        assert mode.needs_nonce(self.NOON + timedelta(seconds=29), self.NOON)
        assert not mode.needs_nonce(self.NOON + timedelta(seconds=30), self.NOON)

    def test_any_of_the_changes_counts_and_none_is_none(self) -> None:
        assert mode.needs_nonce(self.NOON, None, self.NOON)
        assert not mode.needs_nonce(self.NOON, None, None)


def test_the_first_request_makes_the_missing_row(settings) -> None:
    settings.ADMISSION_REDIS_URL = ""
    assert mode.mode_of("", None).name == "memory"
    assert row() == "memory"
