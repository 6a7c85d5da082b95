FROM a
CMD --foo=1 a
