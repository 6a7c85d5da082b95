import os, pathlib
pathlib.Path(os.environ["DATA_DIR"], "out.txt").write_text("x")
