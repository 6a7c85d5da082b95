FROM a
CMD  ["a"]
