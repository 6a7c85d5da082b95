FROM a
USER --foo u
