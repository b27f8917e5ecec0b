"""Marketo as its documentation describes it: lead database, activities, campaigns, lists, bulk and quotas."""

from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.marketo.settings import InstanceSettings

__all__ = ["Instance", "InstanceSettings"]
