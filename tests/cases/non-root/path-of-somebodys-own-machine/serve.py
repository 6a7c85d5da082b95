OUTPUT_DIR = "/Users/anna/notes/output"
DATA_DIR = "/srv/notes"

with open(DATA_DIR + "/log.txt", "w") as log:
    log.write("started")
