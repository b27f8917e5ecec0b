"""Every change of the org: checked saves, unchecked loads and edits, and transactions over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from remediator.sandbox.salesforce.access import RIGHTS_OBJECTS, User
from remediator.sandbox.salesforce.address import codes_for
from remediator.sandbox.salesforce.errors import Refused, SaveError, SaveOutcome
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.messages import language_of
from remediator.sandbox.salesforce.org_reading import OrgReading
from remediator.sandbox.salesforce.save import Save, no_right
from remediator.sandbox.salesforce.tables import Row
from remediator.sandbox.salesforce.transaction import Transaction
from remediator.sandbox.salesforce.values import stamp


class OrgWriting(OrgReading):
    """How ``Org`` changes; see there."""

    def insert(
        self,
        object_name: str,
        values: Mapping[str, Any],
        user: User | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> SaveOutcome:
        """Create a row, if all checks let it; ``user`` is the bot unless given.

        Args:
            headers: request headers of a REST write in lower case; ``None`` for any other door.
        """
        user = user or self.bot
        kind = self.objects[object_name]
        with self.lock_of_all:
            rights = self.access.of(user, object_name)
            if not rights.create or not kind.createable:
                return _failed(None, no_right("create", kind, language_of(user.language)))
            save = Save(org=self, kind=kind, user=user, row={}, record_id=None, rights=rights)
            try:
                fields = save.check(values)
            except Refused as refused:
                return _failed(None, *refused.errors)
            self._assign(object_name, fields, values, headers)
            now = stamp(self.clock.now())
            record_id = self._tables[object_name].new_id()
            self._commit(
                object_name,
                record_id,
                {
                    "Id": record_id,
                    "IsDeleted": False,
                    **fields,
                    "CreatedDate": now,
                    "CreatedById": user.id,
                    "LastModifiedDate": now,
                    "LastModifiedById": user.id,
                    "SystemModstamp": now,
                },
                operation="insert",
                actor=user.username,
                shown=fields,
            )
            return SaveOutcome(id=record_id, success=True, created=True)

    def update(
        self,
        object_name: str,
        record_id: str,
        values: Mapping[str, Any],
        user: User | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> SaveOutcome:
        """Change a row, if all checks let it; arguments as for ``insert``."""
        user = user or self.bot
        kind = self.objects[object_name]
        with self.lock_of_all:
            rights = self.access.of(user, object_name)
            language = language_of(user.language)
            if not rights.edit or not kind.createable:
                return _failed(record_id, no_right("update", kind, language))
            try:
                row = self._live_row(object_name, record_id, language)
                save = Save(org=self, kind=kind, user=user, row=row, record_id=row["Id"], rights=rights)
                fields = save.check(values)
            except Refused as refused:
                return _failed(record_id, *refused.errors)
            self._assign(object_name, fields, values, headers)
            self._touch(object_name, row["Id"], fields, user.id, actor=user.username, kind="write")
            return SaveOutcome(id=row["Id"], success=True)

    def delete(self, object_name: str, record_id: str, user: User | None = None) -> SaveOutcome:
        """Put a row into the recycle bin."""
        user = user or self.bot
        with self.lock_of_all:
            language = language_of(user.language)
            if not self.access.of(user, object_name).delete:
                return _failed(record_id, no_right("delete", self.objects[object_name], language))
            try:
                row = self._live_row(object_name, record_id, language)
            except Refused as refused:
                return _failed(record_id, *refused.errors)
            self._touch(
                object_name,
                row["Id"],
                {"IsDeleted": True},
                user.id,
                actor=user.username,
                kind="write",
                operation="delete",
            )
            return SaveOutcome(id=row["Id"], success=True)

    def edit(self, object_name: str, record_id: str, values: Mapping[str, Any], by: str = "person") -> None:
        """Change a row as a person with all rights would, past every check; ledger kind ``person_edit``.

        Raises:
            KeyError: no such row.
        """
        with self.lock_of_all:
            row = self._tables[object_name].rows[full_id(record_id) or record_id]
            fields = {
                name: value for name, value in values.items() if name in self.objects[object_name].fields
            }
            for address in self.objects[object_name].addresses:
                if address.country in fields or address.state in fields:
                    fields = {
                        address.country_code: None,
                        address.state_code: None,
                        **codes_for(address, {**row, **fields}),
                        **fields,
                    }
            self._touch(object_name, row["Id"], fields, self.admin.id, actor=by, kind="person_edit")

    def load(self, object_name: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Put rows in without any check or ledger entry and return their ids, for seeding.

        A row may bring its own ``Id`` and system fields; what it lacks is filled in.
        """
        kind = self.objects[object_name]
        table = self._tables[object_name]
        now = self.clock.now()
        written = stamp(now)
        owner = self.admin.id if "OwnerId" in kind.fields else None
        ids: list[str] = []
        with self.lock_of_all:
            defaults = {
                name: field.default for name, field in kind.fields.items() if field.default is not None
            }
            for given in rows:
                record_id = given.get("Id") or table.new_id()
                row: Row = {
                    "IsDeleted": False,
                    "CreatedDate": written,
                    "CreatedById": self.admin.id,
                    "LastModifiedDate": written,
                    "LastModifiedById": self.admin.id,
                    "SystemModstamp": written,
                    **defaults,
                    **given,
                    "Id": record_id,
                }
                if owner is not None and row.get("OwnerId") is None:
                    row["OwnerId"] = owner
                if "LastName" in row and row.get("Name") is None:
                    row["Name"] = " ".join(
                        part for part in (row.get("FirstName"), row.get("LastName")) if part
                    )
                for address in kind.addresses:
                    row = {**codes_for(address, row), **row}
                table.put(record_id, row, now)
                ids.append(record_id)
            if object_name in RIGHTS_OBJECTS:
                self.access.forget()
        return ids

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Hold the org and make all writes of the block one: kept unless rolled back or left by an error.

        A transaction inside another is a savepoint of it.
        """
        with self.lock_of_all:
            outer, current = self._transaction, Transaction()
            self._transaction = current
            try:
                yield current
            except BaseException:
                current.rollback()
                raise
            finally:
                self._transaction = outer
                if current.rolled_back:
                    self.access.forget()
                if outer is not None:
                    outer.undo += current.undo
                    outer.entries += current.entries
                else:
                    for entry in current.entries:
                        self.ledger.append(**entry)

    def note_trigger(self, object_name: str, record_id: str | None, edited: Mapping[str, Any]) -> None:
        """Write to the ledger that automation changed fields of a row being saved."""
        self._note("trigger", "automation", object=object_name, id=record_id, fields=dict(edited))

    def _assign(
        self,
        object_name: str,
        fields: Row,
        sent: Mapping[str, Any],
        headers: Mapping[str, str] | None,
    ) -> None:
        """Run the lead assignment rule, as a REST write does unless ``Sforce-Auto-Assign: FALSE``."""
        if headers is None or object_name != "Lead" or self.assignment_owner is None or "OwnerId" in sent:
            return
        if headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE":
            fields["OwnerId"] = self.assignment_owner

    def _touch(
        self,
        object_name: str,
        record_id: str,
        fields: Row,
        user_id: str,
        *,
        actor: str,
        kind: str,
        operation: str = "update",
    ) -> None:
        now = stamp(self.clock.now())
        stamps = {"LastModifiedDate": now, "LastModifiedById": user_id, "SystemModstamp": now}
        self._commit(
            object_name,
            record_id,
            {**fields, **stamps},
            operation=operation,
            actor=actor,
            shown=fields,
            kind=kind,
        )

    def _commit(
        self,
        object_name: str,
        record_id: str,
        fields: Row,
        *,
        operation: str,
        actor: str,
        shown: Row,
        kind: str = "write",
    ) -> None:
        table = self._tables[object_name]
        before = table.rows.get(record_id, {})
        changes = {
            name: [before.get(name), value] for name, value in shown.items() if before.get(name) != value
        }
        undo = table.put(record_id, fields, self.clock.now())
        if object_name in RIGHTS_OBJECTS:
            self.access.forget()
        if self._transaction is not None:
            self._transaction.undo.append(undo)
        self._note(kind, actor, object=object_name, id=record_id, operation=operation, changes=changes)

    def _note(self, kind: str, actor: str, **details: Any) -> None:
        entry = {"kind": kind, "system": "salesforce", "actor": actor, **details}
        if self._transaction is not None:
            self._transaction.entries.append(entry)
        else:
            self.ledger.append(**entry)


def _failed(record_id: str | None, *errors: SaveError) -> SaveOutcome:
    return SaveOutcome(id=record_id, success=False, errors=errors)
