"""Collects this app's tables for Django; nothing imports this module."""

from accounts.flags.models import Flag
from accounts.linkage.models import (
    AccountCluster,
    ActivityDay,
    BanMemory,
    Cluster,
    ClusterLink,
    LinkageLock,
    LinkageRun,
    Pin,
    Signal,
    UnsettledAccount,
)
from accounts.owners.models import Account, Invitation, Membership
from accounts.people.models import DevelopmentMail, User

__all__ = [
    "Account",
    "AccountCluster",
    "ActivityDay",
    "BanMemory",
    "Cluster",
    "ClusterLink",
    "DevelopmentMail",
    "Flag",
    "Invitation",
    "LinkageLock",
    "LinkageRun",
    "Membership",
    "Pin",
    "Signal",
    "UnsettledAccount",
    "User",
]
