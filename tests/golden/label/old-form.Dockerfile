FROM a
LABEL maintainer Someone <x@example.com>
