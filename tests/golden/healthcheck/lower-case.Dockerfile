FROM a
healthcheck cmd ls  -l
healthcheck None
