import os
from pathlib import Path

STATE = Path(os.environ.get("STATE_DIR", "/state"))
SCRATCH = Path(os.environ.get("TMPDIR", "/var/tmp"))

STATE.mkdir(parents=True, exist_ok=True)
(STATE / "count").write_text("0")
(SCRATCH / "count").write_text("0")
