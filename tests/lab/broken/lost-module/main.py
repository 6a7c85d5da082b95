"""Loads what it needs for a download when there is one to make."""

import sys

for address in sys.argv[1:]:
    import _fetch

    print(address, _fetch.version())
print("nothing more to do")
