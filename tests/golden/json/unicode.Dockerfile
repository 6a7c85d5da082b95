FROM a
CMD ["é", "日本", "\u00e9"]
