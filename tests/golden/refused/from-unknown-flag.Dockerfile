FROM --foo=1 a
