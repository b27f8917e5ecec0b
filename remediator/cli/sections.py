"""The command list of `remediator --help`, in the order in which the commands are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer import Context
    from typer._click import HelpFormatter

SECTIONS = {
    "Try it": ("demo", "sandbox"),
    "Set up": ("init", "validate", "doctor", "schema", "version"),
    "See what is refused": ("scan", "causes", "cases", "explain", "access", "fields", "report"),
    "Repair it": ("plan", "review", "apply", "verify", "retry", "undo"),
    "Leave it running": ("daemon", "run", "pause", "resume", "kill", "health", "backlog"),
    "Prove it": ("runs", "audit", "erase", "retention"),
    "Without a system": ("classify", "repair"),
    "Your own rules and fixers": ("rules", "fixers", "aliases"),
}
"""Commands by what a person is up to; one that is missing here is listed under "More"."""


_WHOLE = 200
"""Characters of a command's first sentence that are shown, wrapped and not cut off."""


class Sections(TyperGroup):
    """A group whose help lists commands by purpose instead of in one long list."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # type: ignore[override]  # typer re-exports a subclass of the context it annotates
        """Write one list a section."""
        named = {name for names in SECTIONS.values() for name in names}
        rest = tuple(name for name in self.list_commands(ctx) if name not in named)
        width = max(len(name) for name in self.commands)
        for title, names in {**SECTIONS, "More": rest}.items():
            rows = [
                (name.ljust(width), command.get_short_help_str(_WHOLE))
                for name in names
                if (command := self.get_command(ctx, name)) is not None and not command.hidden
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
