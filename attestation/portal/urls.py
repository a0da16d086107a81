"""The paths of this door, its place in the navigation, and its steps of a new account."""

from django.urls import path, reverse

from accounts.portal import steps
from accounts.portal.menus import ACCOUNT_PAGES, OWNERS, Item
from accounts.portal.steps import Step
from attestation.portal import progress, views

urlpatterns = [
    path("a/<str:account_id>/verification/", views.verification, name="verification"),
    path("a/<str:account_id>/verification/news/", views.news, name="verification_news"),
    path("a/<str:account_id>/verification/start/", views.start, name="verification_start"),
    path("a/<str:account_id>/verification/ask/", views.ask, name="verification_ask"),
    path("a/<str:account_id>/verification/return/", views.came_back, name="verification_return"),
]

ACCOUNT_PAGES.add(Item("verification", "Verification", "verification", "badge-check", 20, OWNERS))

steps.add(
    Step(
        key="identity",
        order=40,
        name="Prove who you are",
        unlocks="Passports ask for the identity level document.",
        action="Verify…",
        url=lambda account_id: reverse("verification", args=[account_id]),
        progress=progress.identity,
    )
)
steps.add(
    Step(
        key="payment",
        order=50,
        name="Prove a means of payment",
        unlocks="Passports ask for the payment level instrument.",
        action="Add a card…",
        url=lambda account_id: reverse("verification", args=[account_id]),
        progress=progress.payment,
    )
)
