"""System checks of this app: bad settings stop the start."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from redis.exceptions import RedisError

from foundation import clock
from foundation.ledger.read import waiting_since
from foundation.web.health import ready_check
from passport import conf
from passport.admission.fitness import Unfit, check_redis
from passport.signing import keys

FEED_LATE = timedelta(seconds=30)
"""An entry without its number for so long reaches no feed: its bound is a second."""


@checks.register("admission")
def admission_redis_is_fit(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Before a server, a migration or a deployment: the Redis of admission evicts nothing and is its own.

    One that does not answer is a warning: the database decides while it is gone.
    """
    url = conf.admission_redis_url()
    if not url:
        return []
    try:
        check_redis(url, str(settings.BROKER_URL))
    except Unfit as unfit:
        return [checks.Error(unfit.message, hint=unfit.hint, id=f"passport.{unfit.code}")]
    except RedisError as gone:
        hint = f"{type(gone).__name__}. Until it answers, the database decides, at a share of each limit."
        return [
            checks.Warning("the Redis of admission does not answer", hint=hint, id="passport.W101"),
        ]
    return []


@ready_check("admission")
def admission_may_be_trusted() -> bool:
    """A Redis that is gone leaves us ready, by the database; one that evicts does not."""
    try:
        if url := conf.admission_redis_url():
            check_redis(url, "")
    except Unfit:
        return False
    except RedisError:
        return True
    return True


@ready_check("keys")
def something_signs() -> bool:
    try:
        return bool(keys.active().kid)
    except keys.NoKey:
        return False


@ready_check("feed")
def the_record_moves() -> bool:
    since = waiting_since()
    return since is None or clock.now() - since < FEED_LATE
