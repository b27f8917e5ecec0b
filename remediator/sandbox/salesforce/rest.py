"""The REST API without HTTP: a call goes in, a reply comes out, so composite requests use the same code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from remediator.sandbox.salesforce.access import User
from remediator.sandbox.salesforce.envelopes import fault_body
from remediator.sandbox.salesforce.errors import ApiFault
from remediator.sandbox.salesforce.metadata import ObjectType
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.salesforce.values import has_json_type

OLDEST_VERSION, RETIRED_VERSION, NEWEST_VERSION = 31, 21, 68
_JSON_TYPES = {"datetime": "datetime", "date": "date", "boolean": "boolean", "int": "int"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, of its own or inside a composite one.

    Attributes:
        path: below ``/services/data/vXX.0/``, without a slash in front.
        headers: in lower case.
        body: parsed JSON, or raw text for CSV; ``None`` without a body.
        raw: the body as it came, to name a column in JSON errors.
    """

    user: User
    method: str
    path: str
    version: str = "60.0"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    raw: str = ""

    def inside(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Call:
        """Return a sub-request of this call."""
        path, _, query = url.partition("?")
        match = re.fullmatch(r"(?:/services/data)?/?v(\d+\.\d)/(.*)", path)
        version, rest = (match[1], match[2]) if match else (self.version, path.lstrip("/"))
        return replace(
            self,
            method=method.upper(),
            path=rest,
            version=version,
            params=_params(query),
            headers={**self.headers, **{name.lower(): value for name, value in headers.items()}},
            body=body,
            raw=json.dumps(body, ensure_ascii=False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer: ``content`` is JSON unless ``kind`` says otherwise; ``None`` is an empty body."""

    status: int = 200
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json;charset=UTF-8"


Handle = Callable[..., Reply]


class Rest:
    """Finds who handles a path; the ``rest_*`` modules add their paths to it."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self._routes: list[tuple[str, re.Pattern[str], Handle]] = []

    def add(self, methods: str, pattern: str, handle: Handle) -> None:
        """Serve ``methods`` (separated by blanks) on paths that ``pattern`` matches whole."""
        compiled = re.compile(pattern)
        self._routes += [(method, compiled, handle) for method in methods.split()]

    def call(self, call: Call) -> Reply:
        """Answer a call; a refusal becomes the error array."""
        try:
            return self._find(call)
        except ApiFault as fault:
            return Reply(status=fault.status, content=fault_body(fault))

    def _find(self, call: Call) -> Reply:
        _check_version(call.version)
        other_method = False
        for method, pattern, handle in self._routes:
            match = pattern.fullmatch(call.path)
            if match is None:
                continue
            if method == call.method:
                return handle(call, **match.groupdict())
            other_method = True
        if other_method:
            raise ApiFault(
                405,
                "METHOD_NOT_ALLOWED",
                f"HTTP Method '{call.method}' not allowed. Allowed are HEAD,GET,PATCH,DELETE",
            )
        raise not_found()


def not_found() -> ApiFault:
    """Return the fault of a path that nobody serves."""
    return ApiFault(404, "NOT_FOUND", "The requested resource does not exist")


def object_called(org: Org, user: User, name: str) -> ObjectType:
    """Return the object of a path, hidden ones and unknown ones alike refused."""
    known = org.name_of(name)
    if known is None or not org.access.of(user, known).read:
        raise not_found()
    return org.objects[known]


def check_json_types(call: Call, kind: ObjectType, values: Mapping[str, Any]) -> None:
    """Refuse the whole request when JSON parsing could not make a field's type of a value."""
    for name, value in values.items():
        known = kind.by_lower_name.get(name.lower())
        if known is None or has_json_type(kind.fields[known], value):
            continue
        match = re.search(re.escape(json.dumps(name)) + r"\s*:\s*", call.raw)
        column = match.end() + 1 if match else 1
        field_type = _JSON_TYPES.get(kind.fields[known].type, "double")
        raise ApiFault(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {field_type} from VALUE_STRING value {value} or request may"
            f" be missing"
            f" a required field at [line:1, column:{column}]",
        )


def body_of(call: Call) -> dict[str, Any]:
    """Return the body, which has to be a JSON object."""
    if not isinstance(call.body, dict):
        raise ApiFault(
            400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."
        )
    return call.body


def values_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields without its ``attributes``."""
    return {name: value for name, value in record.items() if name != "attributes"}


def _check_version(version: str) -> None:
    number = float(version)
    if RETIRED_VERSION <= number < OLDEST_VERSION:
        raise ApiFault(410, "UNSUPPORTED_API_VERSION", f"API version {version} is retired")
    if number < OLDEST_VERSION or number > NEWEST_VERSION:
        raise not_found()


def _params(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))
