FROM a
CMD ["\ud83d"]
