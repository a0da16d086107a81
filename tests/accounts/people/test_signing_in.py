"""Signing up and in, through the pages."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from accounts.people import gates
from accounts.people.models import User
from foundation import clock
from foundation.jobs.models import Job
from foundation.jobs.outbox import run_due
from tests import people

SIGN_UP = {"email": "dan@example.com", "password1": people.PASSWORD, "password2": people.PASSWORD}


def sign_in(client: Client, email: str, password: str = people.PASSWORD) -> int:
    return client.post("/accounts/login/", {"login": email, "password": password}).status_code


def test_a_person_signs_up_confirms_and_signs_in(db: None) -> None:
    client = people.browser()
    assert client.post("/accounts/signup/", SIGN_UP).url == "/accounts/confirm-email/"
    link = urlsplit(re.findall(r"https://\S+", mail.outbox[0].body)[0]).path
    assert "Is this address yours?" in client.get(link).content.decode()
    client.post(link)
    client.post("/accounts/login/", {"login": "dan@example.com", "password": people.PASSWORD})
    assert client.get("/").url == "/accounts/new/"


def test_opening_the_link_alone_confirms_nothing(db: None) -> None:
    client = people.browser()
    client.post("/accounts/signup/", SIGN_UP)
    client.get(urlsplit(re.findall(r"https://\S+", mail.outbox[0].body)[0]).path)
    assert not User.objects.get().emailaddress_set.get().verified


class TestNobodyLearnsWhoSignedUp:
    def test_signing_up_with_a_taken_address_looks_the_same(self, alice: User) -> None:
        fresh = people.browser().post("/accounts/signup/", SIGN_UP)
        taken = people.browser().post("/accounts/signup/", {**SIGN_UP, "email": alice.email})
        assert (fresh.status_code, fresh.url) == (taken.status_code, taken.url)
        assert mail.outbox[-1].subject == "You have signed up already"

    def test_resetting_an_unknown_password_looks_the_same(self, alice: User) -> None:
        answers = [
            people.browser().post("/accounts/password/reset/", {"email": email}, follow=True)
            for email in (alice.email, "nobody@example.com")
        ]
        pages = [re.sub(rb"request_?id\S+|req_\w+", b"", answer.content) for answer in answers]
        assert pages[0] == pages[1]
        assert [message.to for message in mail.outbox] == [[alice.email]]

    def test_a_wrong_password_and_an_unknown_address_read_the_same(self, alice: User) -> None:
        pages = []
        for email in (alice.email, "nobody@example.com"):
            answer = people.browser().post("/accounts/login/", {"login": email, "password": "wrong"})
            pages.append(re.findall(r"<li>(.*?)</li>", answer.content.decode()))
        assert pages[0] == pages[1] == [["The e-mail address or the password is not right."]][0]

    def test_mail_is_sent_by_a_job_and_lies_sealed_until_then(self, alice: User, settings) -> None:  # type: ignore[no-untyped-def]
        settings.DEVELOPMENT_MAIL = False
        people.browser().post("/accounts/password/reset/", {"email": alice.email})
        assert mail.outbox == []
        assert "alice" not in str(Job.objects.get().arguments)
        run_due()
        assert mail.outbox[0].to == [alice.email]


class TestGuessing:
    def test_is_stopped(self, alice: User) -> None:
        stranger = people.browser(REMOTE_ADDR="203.0.113.1")
        for _ in range(10):
            sign_in(stranger, alice.email, "wrong")
        assert sign_in(stranger, alice.email) == 200  # the form again, not a redirect

    def test_locks_nobody_out_of_a_browser_they_have_used(self, alice: User) -> None:
        own = people.browser(REMOTE_ADDR="198.51.100.1")
        sign_in(own, alice.email)
        own.get("/")
        own.post("/accounts/logout/")
        for last in range(1, 13):
            sign_in(people.browser(REMOTE_ADDR=f"203.0.113.{last}"), alice.email, "wrong")
        assert sign_in(people.browser(REMOTE_ADDR="203.0.113.99"), alice.email) == 200
        assert sign_in(own, alice.email) == 302


class TestSecondFactor:
    def test_secrets_lie_sealed(self, alice: User) -> None:
        secret = people.give_totp(alice)
        stored = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert secret not in stored
        seed = Authenticator.objects.get(type="recovery_codes").wrap().generate_codes()[0]
        assert seed not in stored

    def test_a_secret_being_set_up_lies_sealed_too(self, alice: User) -> None:
        from django.contrib.sessions.models import Session

        client = people.browser(alice)
        page = client.get("/accounts/2fa/totp/activate/", follow=True)
        client.post(page.redirect_chain[-1][0], {"password": people.PASSWORD})
        page = client.get("/accounts/2fa/totp/activate/").content.decode()
        secret = re.findall(r'id="authenticator_secret">(\w+)<', page)[0]
        assert all(secret not in session.session_data for session in Session.objects.all())
        assert client.session["mfa.totp.secret"] == secret

    def test_is_asked_for_at_sign_in_and_a_code_counts_once(self, alice: User) -> None:
        code = people.totp_now(people.give_totp(alice))
        first, second = people.browser(), people.browser()
        for client in (first, second):
            sign_in(client, alice.email)
        assert first.post("/accounts/2fa/authenticate/", {"code": code}).url == "/"
        assert second.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200

    def test_the_password_is_no_way_around_it(self, alice: User) -> None:
        people.give_totp(alice)
        answer = people.browser(alice).get("/accounts/reauthenticate/?next=/profile/")
        assert answer.url == "/accounts/2fa/reauthenticate/?next=%2Fprofile%2F"

    def test_staff_keep_their_last_one(self, db: None) -> None:
        sam = people.person("sam@example.com", is_staff=True)
        client = people.browser(sam, factor=True)
        client.post("/accounts/2fa/totp/deactivate/")
        assert Authenticator.objects.filter(user=sam, type="totp").exists()


class TestSignUpsPaused:
    @pytest.fixture(autouse=True)
    def paused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pause = gates.Pause(until=clock.now() + timedelta(minutes=5))
        monkeypatch.setattr(gates, "SIGN_UP_GATES", [lambda now: pause])

    def test_the_page_says_so_and_when_to_come_again(self, db: None) -> None:
        answer = people.browser().get("/accounts/signup/")
        assert answer.status_code == 503
        assert 0 < int(answer["Retry-After"]) <= 300
        assert "Sign-ups are paused" in answer.content.decode()

    def test_a_form_sent_anyway_makes_nobody(self, db: None) -> None:
        assert people.browser().post("/accounts/signup/", SIGN_UP).status_code == 503
        assert not User.objects.exists()

    def test_who_signed_up_before_signs_in(self, alice: User) -> None:
        assert sign_in(people.browser(), alice.email) == 302


def test_there_is_no_development_mailbox_where_mail_is_sent(settings, db: None) -> None:  # type: ignore[no-untyped-def]
    assert people.browser().get("/dev/mail").status_code == 200
    settings.DEVELOPMENT_MAIL = False
    assert people.browser().get("/dev/mail").status_code == 404
