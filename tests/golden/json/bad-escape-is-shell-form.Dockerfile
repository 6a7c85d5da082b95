FROM a
CMD ["c:\x"]
