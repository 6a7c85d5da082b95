FROM a
LABEL a={\"x\":[1,2]} b='{"y": 2}'
