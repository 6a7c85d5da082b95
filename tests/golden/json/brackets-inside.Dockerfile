FROM a
CMD ["]", "[\"x\"]", "a,b"]
