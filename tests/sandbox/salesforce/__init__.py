"""Promises of the fake org, driven in process, over HTTP, and by another project's client."""
