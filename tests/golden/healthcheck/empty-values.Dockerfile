FROM a
HEALTHCHECK --interval= --retries= CMD x
