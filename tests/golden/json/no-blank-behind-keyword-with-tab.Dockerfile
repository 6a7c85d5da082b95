FROM a
CMD	["a"]
