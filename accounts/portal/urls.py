"""The paths of this door."""

from django.urls import URLPattern, URLResolver, path

from accounts.portal import account_views, views
from accounts.portal.menus import ACCOUNT_PAGES, OWNERS, Item

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.start, name="start"),
    path("profile/", views.profile, name="profile"),
    path("accounts/new/", views.new_account, name="account_new"),
    path("invitations/<str:token>/", account_views.invitation, name="invitation"),
    path("a/<str:account_id>/", views.home, name="account_home"),
    path("a/<str:account_id>/start/", views.next_steps, name="account_start"),
    path("a/<str:account_id>/members/", account_views.members_page, name="members"),
    path("a/<str:account_id>/members/invite/", account_views.invite, name="member_invite"),
    path("a/<str:account_id>/members/<int:member_id>/", account_views.member, name="member"),
    path(
        "a/<str:account_id>/members/<int:member_id>/remove/",
        account_views.remove_member,
        name="member_remove",
    ),
    path(
        "a/<str:account_id>/invitations/<int:invitation_id>/withdraw/",
        account_views.withdraw,
        name="invitation_withdraw",
    ),
    path("a/<str:account_id>/activity/", account_views.activity_page, name="activity"),
    path("a/<str:account_id>/activity.csv", account_views.activity_csv, name="activity_csv"),
    path("a/<str:account_id>/settings/", account_views.settings_page, name="account_settings"),
    path("a/<str:account_id>/settings/close/", account_views.close, name="account_close"),
]

ACCOUNT_PAGES.add(Item("start", "Next steps", "account_start", "list-checks", 10, OWNERS))
ACCOUNT_PAGES.add(Item("members", "Members", "members", "users", 80, OWNERS))
ACCOUNT_PAGES.add(Item("activity", "Activity", "activity", "history", 85))
ACCOUNT_PAGES.add(Item("settings", "Settings", "account_settings", "settings", 90, OWNERS))
