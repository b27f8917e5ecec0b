"""The checks between a sent row and the database, in Salesforce's order; the first error wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remediator.sandbox.salesforce.access import ObjectRights, User
from remediator.sandbox.salesforce.address import AddressChange
from remediator.sandbox.salesforce.automation import duplicate_error
from remediator.sandbox.salesforce.errors import Refused, SaveError, refuse
from remediator.sandbox.salesforce.ids import full_id
from remediator.sandbox.salesforce.messages import language_of, say
from remediator.sandbox.salesforce.metadata import ObjectType
from remediator.sandbox.salesforce.tables import Row
from remediator.sandbox.salesforce.values import checked, checked_picklist

if TYPE_CHECKING:
    from remediator.sandbox.salesforce.org_writing import OrgWriting

_PEOPLE = ("Lead", "Contact")


@dataclass(slots=True, kw_only=True)
class Save:
    """One insert or update on its way.

    Attributes:
        row: the stored row, empty for an insert.
        record_id: ``None`` for an insert.
    """

    org: OrgWriting
    kind: ObjectType
    user: User
    row: Row
    record_id: str | None
    rights: ObjectRights

    @property
    def creating(self) -> bool:
        """Whether this is an insert."""
        return self.record_id is None

    @property
    def language(self) -> str:
        """The running user's language."""
        return language_of(self.user.language)

    def check(self, given: Mapping[str, Any]) -> Row:
        """Return the fields to write.

        Raises:
            Refused: with the errors that Salesforce would give.
        """
        sent = self._writable(given)
        self._check_row_state(sent)
        values = self._check_values(sent)
        for address in self.kind.addresses:
            values.update(
                AddressChange(
                    names=address,
                    fields=self.kind.fields,
                    sent=values,
                    row=self.row,
                    language=self.language,
                    creating=self.creating,
                ).resolve()
            )
        self._check_lookups(values)
        if self.creating:
            self._default(values)
        self._check_required(values)
        whole = {**self.row, **values}
        broken = self.org.automation.broken_rules(self.kind.name, whole)
        if broken:
            raise Refused(*broken)
        self._check_duplicates(values)
        self._check_unique(values)
        self._run_automation(values, whole)
        if self.kind.name in _PEOPLE and ("FirstName" in values or "LastName" in values):
            parts = (whole.get("FirstName"), whole.get("LastName"))
            values["Name"] = " ".join(part for part in parts if part)
        return values

    def _writable(self, given: Mapping[str, Any]) -> Row:
        """Return the values under the fields' own names, or refuse unknown, hidden and read-only ones."""
        sent: Row = {}
        forbidden: list[str] = []
        for name, value in given.items():
            known = self.kind.by_lower_name.get(name.lower())
            if known is None or known not in self.rights.readable:
                text = say(self.language, "no_column", field=name, object=self.kind.name)
                raise refuse("INVALID_FIELD", text, name)
            field = self.kind.fields[known]
            allowed = field.createable if self.creating else field.updateable
            if not allowed or known not in self.rights.editable:
                forbidden.append(known)
            sent[known] = value
        if forbidden:
            text = say(self.language, "not_writable", fields=", ".join(forbidden))
            raise refuse("INVALID_FIELD_FOR_INSERT_UPDATE", text, *forbidden)
        return sent

    def _check_row_state(self, sent: Mapping[str, Any]) -> None:
        """Refuse a row that is locked, converted, or owned by someone who has left."""
        if self.record_id is not None:
            self.org.contend(self.record_id, self.row, self.language)
            if self.org.is_locked(self.record_id) and not self.user.modify_all:
                raise refuse("ENTITY_IS_LOCKED", say(self.language, "locked"))
            if self.row.get("IsConverted"):
                raise refuse("CANNOT_UPDATE_CONVERTED_LEAD", say(self.language, "converted"))
        owner = full_id(sent.get("OwnerId") or self.row.get("OwnerId"))
        known = owner is not None and self.org.exists("User", owner)
        if owner and known and not self.org.is_active(owner) and not self.user.modify_all:
            text = say(self.language, "inactive_owner", id=owner[:15], object=self.kind.label.lower())
            raise refuse("INACTIVE_OWNER_OR_USER", text)

    def _check_values(self, sent: Mapping[str, Any]) -> Row:
        fields = self.kind.fields
        values = {name: checked(fields[name], value, self.language) for name, value in sent.items()}
        of_type = values.get("RecordTypeId") or self.row.get("RecordTypeId")
        if self.creating and of_type is None:
            of_type = self.kind.default_record_type
        for name, value in values.items():
            field = self.kind.as_typed(name, of_type)
            in_address = any(name in (a.country_code, a.state_code) for a in self.kind.addresses)
            if value is not None and fields[name].values and not in_address:
                values[name] = checked_picklist(field, value, self.language)
        return values

    def _check_lookups(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            field = self.kind.fields[name]
            if value is None or field.type != "reference":
                continue
            if any(self.org.exists(target, value) for target in field.refers):
                continue
            if any(self.org.is_deleted(target, value) for target in field.refers):
                raise refuse("ENTITY_IS_DELETED", say(self.language, "deleted"))
            raise refuse("INVALID_CROSS_REFERENCE_KEY", say(self.language, "cross_reference"))

    def _default(self, values: Row) -> None:
        for name, field in self.kind.fields.items():
            if values.get(name) is None and field.default is not None:
                values[name] = field.default
        if "OwnerId" in self.kind.fields and values.get("OwnerId") is None:
            values["OwnerId"] = self.user.id
        if self.kind.default_record_type is not None and values.get("RecordTypeId") is None:
            values["RecordTypeId"] = self.kind.default_record_type

    def _check_required(self, values: Mapping[str, Any]) -> None:
        missing = [
            name
            for name, field in self.kind.fields.items()
            if field.required and values.get(name) is None and (self.creating or name in values)
        ]
        blanked = [
            name
            for name, value in values.items()
            if value is None
            and not self.creating
            and not self.kind.fields[name].nillable
            and name not in missing
        ]
        if missing or blanked:
            names = [*missing, *blanked]
            raise refuse(
                "REQUIRED_FIELD_MISSING", say(self.language, "required", fields=", ".join(names)), *names
            )

    def _check_duplicates(self, values: Mapping[str, Any]) -> None:
        """Run the Block rule: no two live, unconverted leads of one e-mail address."""
        email = values.get("Email")
        if self.kind.name != "Lead" or not email or not self.org.block_duplicates:
            return
        if email.lower() == str(self.row.get("Email") or "").lower():
            return
        table = self.org.tables_of("Lead")
        for other in table.find("Email", email):
            found = table.rows[other]
            if other != self.record_id and not found.get("IsDeleted") and not found.get("IsConverted"):
                raise Refused(duplicate_error(say(self.language, "duplicates"), "Lead", other))

    def _check_unique(self, values: Mapping[str, Any]) -> None:
        table = self.org.tables_of(self.kind.name)
        for name, value in values.items():
            if value is None or not self.kind.fields[name].unique:
                continue
            for other in table.find(name, value):
                if other != self.record_id and not table.rows[other].get("IsDeleted"):
                    text = say(self.language, "duplicate", field=name, id=other[:15])
                    raise refuse("DUPLICATE_VALUE", text, name)
        if self.kind.name == "CampaignMember" and self.creating:
            self._check_member(values)

    def _check_member(self, values: Mapping[str, Any]) -> None:
        person = values.get("LeadId") or values.get("ContactId")
        if person is None:
            raise refuse(
                "REQUIRED_FIELD_MISSING", say(self.language, "required", fields="LeadId, ContactId"), "LeadId"
            )
        table = self.org.tables_of("CampaignMember")
        for other in table.find("CampaignId", values.get("CampaignId")):
            member = table.rows[other]
            if not member.get("IsDeleted") and person in (member.get("LeadId"), member.get("ContactId")):
                raise refuse("DUPLICATE_VALUE", "Already a campaign member.")

    def _run_automation(self, values: Row, whole: Row) -> None:
        name = self.kind.name
        if name in _PEOPLE:
            company = (
                whole.get("Company") if name == "Lead" else self.org.account_name(whole.get("AccountId"))
            )
            failure = self.org.automation.failure(name, company, "insert" if self.creating else "update")
            if failure is not None:
                raise Refused(failure)
        for hook in self.org.automation.hooks:
            edited = hook(name, whole, None if self.creating else self.row, self.user)
            if edited:
                values.update(edited)
                whole.update(edited)
                self.org.note_trigger(name, self.record_id, edited)


def no_right(right: str, kind: ObjectType, language: str) -> SaveError:
    """Return the error of a user without create, update or delete on the object."""
    return SaveError(
        code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message=say(language, f"no_{right}", label=kind.label)
    )
