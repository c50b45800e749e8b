"""`promptgraph erase`: what calls were about goes, their figures stay."""

from __future__ import annotations

import time
from contextlib import aclosing
from getpass import getuser
from uuid import UUID

import click

from promptgraph.cli.options import json_option, with_settings
from promptgraph.cli.output import counted, say, show, show_json
from promptgraph.cli.registry import patient
from promptgraph.cli.surface import run
from promptgraph.config import Settings
from promptgraph.domain.erasure import Erasure
from promptgraph.domain.errors import PromptgraphError
from promptgraph.record.erasing import erasable, erase

TELL_SECONDS = 5.0
"""How often it says how far it is."""


@click.command("erase")
@click.option(
    "--call", "calls", metavar="ID", type=click.UUID, multiple=True, help="This call; may be repeated."
)
@click.option("--user", metavar="ID", help="All calls for this user.")
@click.option("--conversation", metavar="ID", help="All calls of this conversation.")
@click.option("--reason", metavar="TEXT", required=True, help="Why, in a line; it is written down.")
@click.option("--yes", is_flag=True, help="Really erase: without it, it only says what it would.")
@json_option
@with_settings("database_url")
def erase_calls(  # noqa: PLR0913  # its options
    settings: Settings,
    *,
    calls: tuple[UUID, ...],
    user: str | None,
    conversation: str | None,
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase what calls were about: variables, output, metadata, error messages, comments of scores, and the
    ids of user, conversation and trace. Ids, hashes and figures stay, so that metrics hold still.

    Name the calls in exactly one way. It may be stopped and run again at any time, while calls are recorded.
    What backups and the outboxes of clients hold, it cannot reach: docs/privacy.md says what to do.
    """
    wanted = Erasure(reason=reason, call_ids=calls or None, user_id=user, conversation_id=conversation)
    number = run(_erased(settings, wanted) if yes else _looked(settings, wanted))
    if as_json:
        show_json({"dryRun": not yes, "erased": number})
    elif yes:
        show(f"Erased what {counted(number, 'call')} held. Ids, hashes and figures stay.", "ok")
    else:
        show(f"Would erase what {counted(number, 'call')} held. To do it, add --yes.")


async def _looked(settings: Settings, wanted: Erasure) -> int:
    async with patient(settings) as db:
        return await erasable(db, wanted)


async def _erased(settings: Settings, wanted: Erasure) -> int:
    done, told = 0, time.monotonic()
    async with patient(settings) as db:
        try:
            async with aclosing(erase(db, wanted, by=f"promptgraph erase, {_user()}")) as steps:
                async for done in steps:
                    if time.monotonic() - told > TELL_SECONDS:
                        say(f"{counted(done, 'call')} erased.")
                        told = time.monotonic()
        except PromptgraphError:
            if done:
                say(f"Stopped after {counted(done, 'call')}. Run it again.", "warning")
            raise
    return done


def _user() -> str:
    """Whom the system takes this for."""
    try:
        return getuser()
    except (KeyError, OSError):  # nobody has this number
        return "unknown"
