"""Marketo as its documentation describes it: lead database, activities, campaigns, lists, bulk and quotas."""
