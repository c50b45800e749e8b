"""SQL, and nothing else: the tables, the reads by batch, the writes, the migrations.

Where the extra `sqlite` is installed, its newer SQLite takes the place of Python's own before any driver
is loaded.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

if find_spec("pysqlite3") is not None:
    sys.modules["sqlite3"] = import_module("pysqlite3")
