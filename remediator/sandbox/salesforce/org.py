"""A Salesforce org in memory. Every door (REST, Bulk, the native sync) saves through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from random import Random
from threading import RLock
from typing import Any

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.salesforce.access import RIGHTS_OBJECTS, SETUP_OBJECTS, Access, User
from remediator.sandbox.salesforce.address import codes_for
from remediator.sandbox.salesforce.automation import Automation
from remediator.sandbox.salesforce.errors import Refused, SaveError, SaveOutcome, refuse
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.messages import label_of, language_of, say
from remediator.sandbox.salesforce.metadata import ObjectType
from remediator.sandbox.salesforce.save import Save, no_right
from remediator.sandbox.salesforce.schema import build_objects
from remediator.sandbox.salesforce.schema_setup import build_setup_objects
from remediator.sandbox.salesforce.setup import create_users
from remediator.sandbox.salesforce.tables import Row, Table, live
from remediator.sandbox.salesforce.transaction import Transaction
from remediator.sandbox.salesforce.usage import Usage
from remediator.sandbox.salesforce.values import stamp


class Org:
    """One org. All methods may be called from any thread.

    Attributes:
        sync_user: the Marketo sync user. admin: may do all. bot: the user that remediator logs in as.
        automation: validation rules, failing triggers and flows, hooks.
        contention: chance that a write of a contact who shares an account meets a row lock.
        block_duplicates: the Block rule on lead e-mail addresses is on.
        usage: the count of API calls and its daily limit.
        assignment_owner: who the lead assignment rule gives leads to when a REST write does not switch it off.
    """

    def __init__(self, clock: VirtualClock, ledger: Ledger, *, seed: int = 1) -> None:
        self.clock = clock
        self.ledger = ledger
        self.objects: dict[str, ObjectType] = {**build_objects(), **build_setup_objects()}
        self.automation = Automation()
        self.contention = 0.0
        self.block_duplicates = True
        self.lock_of_all = RLock()
        self._tables = {name: Table(kind) for name, kind in self.objects.items()}
        self._by_lower = {name.lower(): name for name in self.objects}
        self._by_prefix = {kind.prefix: name for name, kind in self.objects.items()}
        self.usage = Usage(clock)
        self._random = Random(seed)
        self._blocked: dict[str, int] = {}
        self._locked: set[str] = set()
        self._transaction: Transaction | None = None
        self.access = Access({name: table.rows for name, table in self._tables.items()}, self.objects)
        self.users: dict[str, User] = {}
        created = create_users(self)
        self.admin, self.sync_user, self.bot = created.admin, created.sync_user, created.bot
        self.organization_id = created.organization_id
        self.assignment_owner: str | None = created.router.id

    # ---- reading

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
        """Return copies of the rows written after ``moment``, deleted ones too, in the order of their writes."""
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

    # ---- writing

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

    # ---- the state of rows, for seeding and for tests

    def lock(self, record_id: str) -> None:
        """Lock a row for approval: only a user with Modify All may edit it until ``unlock``."""
        known = full_id(record_id) or record_id
        if known not in self._locked:
            self._locked.add(known)
            self.load("ProcessInstance", [{"TargetObjectId": known, "Status": "Pending"}])

    def unlock(self, record_id: str) -> None:
        """Decide the approval, which frees the row."""
        known = full_id(record_id) or record_id
        self._locked.discard(known)
        for row in self.rows("ProcessInstance"):
            if row["TargetObjectId"] == known:
                row["Status"] = "Approved"

    def is_locked(self, record_id: str) -> bool:
        """Whether an approval holds the row."""
        return record_id in self._locked

    def block_row(self, record_id: str, times: int = 1) -> None:
        """Make the next ``times`` writes to a row meet another transaction's row lock."""
        self._blocked[full_id(record_id) or record_id] = times

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

    def add_user(self, name: str, username: str, *, active: bool = True, language: str = "en") -> User:
        """Create a user without any rights on objects."""
        (user_id,) = self.load(
            "User",
            [
                {
                    "Name": name,
                    "Username": username,
                    "Email": username,
                    "IsActive": active,
                    "UserType": "Standard",
                    "LanguageLocaleKey": language,
                }
            ],
        )
        user = User(id=user_id, username=username, name=name, language=language, active=active)
        self.users[user_id] = user
        return user

    def speak(self, user: User, language: str) -> User:
        """Give one of the three users another language (``de``, ``fr_FR``, ...) and return the user as it is now."""
        spoken = replace(user, language=language)
        self.users[user.id] = spoken
        self._tables["User"].rows[user.id]["LanguageLocaleKey"] = language
        for name in ("admin", "sync_user", "bot"):
            if getattr(self, name).id == user.id:
                setattr(self, name, spoken)
        return spoken

    def grant_edit(self, user: User, object_name: str, field: str) -> None:
        """Give a user edit on a field, as an admin does in Setup."""
        self._change_right(user, object_name, field, edit=True)

    def redefine(self, object_name: str, field: str, **changes: Any) -> None:
        """Change a field's definition, as an admin does in Setup (``values=``, ``length=``, ``nillable=`` ...)."""
        kind = self.objects[object_name]
        self.objects[object_name] = kind.with_field(replace(kind.fields[field], **changes))
        self.access.forget()

    def note_trigger(self, object_name: str, record_id: str | None, edited: Mapping[str, Any]) -> None:
        """Write to the ledger that automation changed fields of a row being saved."""
        self._note("trigger", "automation", object=object_name, id=record_id, fields=dict(edited))

    # ---- inside

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

    def _change_right(self, user: User, object_name: str, field: str, *, edit: bool) -> None:
        sets = {
            row["PermissionSetId"]
            for row in self.rows("PermissionSetAssignment")
            if row["AssigneeId"] == user.id
        }
        for row in self.rows("FieldPermissions"):
            if row["ParentId"] in sets and row["Field"] == f"{object_name}.{field}":
                row["PermissionsEdit"] = edit
                self.access.forget()
                return
        self.load(
            "FieldPermissions",
            [
                {
                    "ParentId": min(sets),
                    "SobjectType": object_name,
                    "Field": f"{object_name}.{field}",
                    "PermissionsRead": True,
                    "PermissionsEdit": edit,
                }
            ],
        )


def data_objects(org: Org) -> Sequence[str]:
    """Return the names of the objects that hold data, not setup."""
    return [name for name in org.objects if name not in SETUP_OBJECTS]


def _failed(record_id: str | None, *errors: SaveError) -> SaveOutcome:
    return SaveOutcome(id=record_id, success=False, errors=errors)
