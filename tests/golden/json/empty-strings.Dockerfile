FROM a
ENTRYPOINT ["", ""]
SHELL [""]
