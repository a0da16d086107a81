"""The reads of the hot path, on the connection that an exchange uses: outside of a transaction."""

import pytest

from foundation import clock as the_clock
from passport.standing.callers import find_calling_agent, find_calling_service
from passport.standing.read import find_by_passport
from tests.cast import MODEL, claims_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("tail", ["\0", "\0x", "\ud800"])
def test_a_name_that_goes_on_after_a_nul_is_nobodys(scout, model, scouts_passport, tail) -> None:
    jti = claims_of(scouts_passport)["jti"]
    assert find_by_passport(jti, audience=MODEL) is not None
    assert find_by_passport(jti + tail, audience=MODEL) is None
    assert find_calling_agent(scout.id + tail, the_clock.now()) == (None, [])
    assert find_calling_service(model.pk + tail) is None
