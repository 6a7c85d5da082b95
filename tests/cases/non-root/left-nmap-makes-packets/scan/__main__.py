import subprocess
import sys

for target in sys.stdin:
    subprocess.run(f"nmap -sV -O -oX - {target.strip()}".split(), check=True)
