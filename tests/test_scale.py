"""docs/scale.md: its statements for Citus fit the tables, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from promptgraph.config import Settings
from promptgraph.store import call_tables as call_tables  # noqa: PLC0414  # its tables join METADATA
from promptgraph.store.address import OPTIONS, OURS
from promptgraph.store.tables import METADATA

PAGE = (Path(__file__).parents[1] / "docs" / "scale.md").read_text()
REFERENCE = re.findall(r"create_reference_table\('(\w+)'\)", PAGE)
DISTRIBUTED = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", PAGE))


def test_distributed_tables_have_no_unique_key_without_their_column() -> None:
    """A key over several shards cannot be held."""
    assert DISTRIBUTED
    for name, column in DISTRIBUTED.items():
        table = METADATA.tables[name]
        assert column in table.primary_key.columns, name
        assert [] == [index.name for index in table.indexes if index.unique and column not in index.columns]


def test_foreign_keys_stay_on_a_node() -> None:
    """From a shard to its neighbour or to a reference table; from there to another that is made before it."""
    for name in (*REFERENCE, *DISTRIBUTED):
        for key in METADATA.tables[name].foreign_keys:
            other = key.column.table.name
            if name in DISTRIBUTED and other in DISTRIBUTED:
                assert (DISTRIBUTED[name], DISTRIBUTED[other]) == (key.parent.name, key.column.name)
            else:
                assert other in REFERENCE, (name, other)
                assert name not in REFERENCE or REFERENCE.index(other) < REFERENCE.index(name)


def test_every_table_that_calls_lead_to_is_there() -> None:
    """What has a foreign key has a place; all others may stay where they are."""
    tied = {table.name for table in METADATA.tables.values() if table.foreign_keys}
    assert tied <= {*REFERENCE, *DISTRIBUTED}


def test_names_the_settings_and_options() -> None:
    """Those that are about the database."""
    for name in ("database_url", "replica_url", "replica_lag_s", "pool_size", "pool_timeout_s"):
        assert f"PROMPTGRAPH_{name.upper()}" in PAGE
        assert name in Settings.model_fields
    for name in {*OPTIONS, *OURS} - {"host", "port"}:
        assert f"`{name}" in PAGE
