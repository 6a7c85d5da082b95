FROM a
STOPSIGNAL ["a", "b"]
