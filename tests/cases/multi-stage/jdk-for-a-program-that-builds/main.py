import subprocess
from pathlib import Path

gradle = Path("/tmp/tools") / "bin" / "gradle"
for command in ([str(gradle), "wrapper"], ["./gradlew", "assembleRelease"]):
    subprocess.run(command, check=True)
