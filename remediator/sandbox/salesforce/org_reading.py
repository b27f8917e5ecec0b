"""The org's tables and metadata, and everything that only asks them."""

from __future__ import annotations

from datetime import datetime
from random import Random
from threading import RLock
from typing import Any

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.salesforce.access import Access, User
from remediator.sandbox.salesforce.automation import Automation
from remediator.sandbox.salesforce.errors import refuse
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.messages import label_of, language_of, say
from remediator.sandbox.salesforce.metadata import ObjectType
from remediator.sandbox.salesforce.schema import build_objects
from remediator.sandbox.salesforce.schema_activities import build_activity_objects
from remediator.sandbox.salesforce.schema_setup import build_setup_objects
from remediator.sandbox.salesforce.tables import Row, Table, live
from remediator.sandbox.salesforce.transaction import Transaction
from remediator.sandbox.salesforce.usage import Usage


class OrgReading:
    """What ``Org`` can tell; see there for the attributes."""

    admin: User
    sync_user: User
    bot: User

    def __init__(self, clock: VirtualClock, ledger: Ledger, *, seed: int = 1) -> None:
        self.clock = clock
        self.ledger = ledger
        self.objects: dict[str, ObjectType] = {
            **build_objects(),
            **build_activity_objects(),
            **build_setup_objects(),
        }
        self.automation = Automation()
        self.contention = 0.0
        self.block_duplicates = True
        self.usage = Usage(clock)
        self.described_at = clock.now()
        self.lock_of_all = RLock()
        self.users: dict[str, User] = {}
        self.assignment_owner: str | None = None
        self._tables = {name: Table(kind) for name, kind in self.objects.items()}
        self._by_lower = {name.lower(): name for name in self.objects}
        self._by_prefix = {kind.prefix: name for name, kind in self.objects.items()}
        self._random = Random(seed)
        self._blocked: dict[str, int] = {}
        self._locked: set[str] = set()
        self._transaction: Transaction | None = None
        self.access = Access({name: table.rows for name, table in self._tables.items()}, self.objects)

    def get(self, object_name: str, record_id: str) -> Row | None:
        """Return everything in a row, deleted or not, as a copy; ``None`` when it never existed."""
        with self.lock_of_all:
            row = self._tables[object_name].rows.get(full_id(record_id) or "")
            return None if row is None else {**dict.fromkeys(self.objects[object_name].fields), **row}

    def rows(self, object_name: str, *, deleted: bool = False) -> list[Row]:
        """Return the stored rows themselves, oldest first: read them, never change them."""
        with self.lock_of_all:
            every = self._tables[object_name].rows.values()
            return list(every if deleted else live(every))

    def changed_since(self, object_name: str, moment: datetime) -> list[Row]:
        """Return copies of the rows written after ``moment``, deleted ones too, in the order of writing."""
        with self.lock_of_all:
            ids = list(self._tables[object_name].touched_since(moment))
            return [row for row in (self.get(object_name, found) for found in ids) if row is not None]

    def name_of(self, object_name: str) -> str | None:
        """Return the object's own spelling, whatever the case given; ``None`` when there is none."""
        return self._by_lower.get(object_name.lower())

    def object_of(self, record_id: str) -> str | None:
        """Return which object an id belongs to, by its prefix."""
        return self._by_prefix.get(record_id[:3])

    def tables_of(self, object_name: str) -> Table:
        """Return the table of an object."""
        return self._tables[object_name]

    def exists(self, object_name: str, record_id: str) -> bool:
        """Whether a live row of that id exists."""
        table = self._tables.get(object_name)
        return table is not None and record_id in table.rows and not table.rows[record_id].get("IsDeleted")

    def is_deleted(self, object_name: str, record_id: str) -> bool:
        """Whether the row once existed and is deleted now."""
        table = self._tables.get(object_name)
        return table is not None and bool(table.rows.get(record_id, {}).get("IsDeleted"))

    def is_active(self, user_id: str) -> bool:
        """Whether the user exists and is active."""
        return bool(self._tables["User"].rows.get(user_id, {}).get("IsActive"))

    def account_name(self, account_id: str | None) -> str | None:
        """Return an account's name."""
        return self._tables["Account"].rows.get(account_id or "", {}).get("Name")

    def describe(self, object_name: str, user: User | None = None) -> dict[str, Any]:
        """Return the full describe as ``user`` (default: the bot) sees it.

        Raises:
            KeyError: no such object.
        """
        user = user or self.bot
        kind = self.objects[object_name]
        with self.lock_of_all:
            rights = self.access.of(user, object_name)
        language = language_of(user.language)
        fields = [
            field.describe(editable=name in rights.editable, label=label_of(language, field))
            for name, field in kind.fields.items()
            if name in rights.readable
        ]
        return kind.describe(fields=fields, rights=rights.as_dict())

    def is_locked(self, record_id: str) -> bool:
        """Whether an approval holds the row."""
        return record_id in self._locked

    def contend(self, record_id: str, row: Row, language: str) -> None:
        """Raise the row-lock refusal when the row is blocked, or by chance when it shares an account."""
        left = self._blocked.get(record_id, 0)
        account = row.get("AccountId")
        if left:
            self._blocked[record_id] = left - 1
        elif not (
            account
            and self.contention
            and len(self._tables["Contact"].find("AccountId", account)) > 1
            and self._random.random() < self.contention
        ):
            return
        raise refuse("UNABLE_TO_LOCK_ROW", say(language, "row_lock", id=account or record_id))

    def _live_row(self, object_name: str, record_id: str, language: str) -> Row:
        known = full_id(record_id)
        if known is None or self.object_of(known) != object_name:
            text = say(language, "id_type", label=f"{self.objects[object_name].label} ID", value=record_id)
            raise refuse("MALFORMED_ID", text, "Id")
        row = self._tables[object_name].rows.get(known)
        if row is None:
            raise refuse("INVALID_CROSS_REFERENCE_KEY", say(language, "cross_reference"))
        if row.get("IsDeleted"):
            raise refuse("ENTITY_IS_DELETED", say(language, "deleted"))
        return row
