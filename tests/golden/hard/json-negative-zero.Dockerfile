FROM a
CMD [-0]
