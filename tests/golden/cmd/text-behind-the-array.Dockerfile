FROM a
CMD ["a"] # why
CMD ["a"] b
