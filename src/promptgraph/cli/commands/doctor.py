"""`promptgraph doctor`: what is in order here, what is not, and what to do."""

from __future__ import annotations

import click
from rich.text import Text

from promptgraph.cli.diagnosis import FAIL, Line, diagnose
from promptgraph.cli.options import GIVEN, InForce, json_option, settings_in_force, with_settings
from promptgraph.cli.output import show, show_grid, show_json, show_table, styled
from promptgraph.cli.surface import FINDINGS, FINE, finish
from promptgraph.config import Settings


@click.command()
@json_option
@with_settings("database_url", "prompts_dir", "mode", "server", "api_key")
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Look at Python, SQLite, the database, the prompts folder, git and the settings.

    Each line says ok, warn or fail, and what to do. Exit code 1 when a line says fail. Nothing is changed.
    """
    lines = diagnose(settings)
    values = settings_in_force(settings, click.get_current_context().meta[GIVEN])
    if as_json:
        show_json({"checks": lines, "settings": values})
    else:
        _print(lines, values)
    finish(FINDINGS if any(line.status == FAIL for line in lines) else FINE)


def _print(lines: list[Line], values: list[InForce]) -> None:
    show_grid([(styled(line.status, line.status), styled(line.check), _words(line)) for line in lines])
    show("Settings in force", "head")
    show_table(("", "value", "from"), [(one.name, one.value, one.source) for one in values])


def _words(line: Line) -> Text:
    words = styled(line.message)
    return Text("\n").join([words, styled(line.todo, "faint")]) if line.todo else words
