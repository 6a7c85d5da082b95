import os

LOG_PATH = os.getenv("FEEDBACK_LOG", "/app/data/feedback/log.jsonl")


def keep(line):
    with open(LOG_PATH, "a") as log:
        log.write(line)
