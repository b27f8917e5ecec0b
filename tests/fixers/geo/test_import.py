from __future__ import annotations

import subprocess
import sys

_ASKED = """
import sys
import fixers.geo
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"pycountry", "babel", "phonenumbers", "rapidfuzz", "yaml", "ftfy"}))
from fixers import geo_tables
print(geo_tables.countries.cache_info().currsize)
"""


def test_importing_geo_reads_no_table_and_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "0"]
