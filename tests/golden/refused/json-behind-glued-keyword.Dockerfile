FROM a
CMD["a"]
