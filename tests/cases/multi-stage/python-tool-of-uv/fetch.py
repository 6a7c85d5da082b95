import subprocess

import schedule

schedule.every().day.do(lambda: subprocess.run(["yt-dlp", "--version"]))
