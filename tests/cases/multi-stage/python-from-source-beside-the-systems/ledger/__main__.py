from importlib.metadata import version

print(version("ledger"))
