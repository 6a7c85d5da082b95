FROM a
ADD ["a b", "c"]
