FROM a
MAINTAINER Some One <x@example.com> "and more"
