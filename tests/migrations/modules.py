"""The modules of alembic/, which is no package."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from promptgraph.store.migrate import alembic_folder


def load(name: str) -> ModuleType:
    """One of them, e.g. `legacy` or `versions/20261123_registry_rows`."""
    path = alembic_folder() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
