FROM a
CMD ["a", "b"
CMD ["a",]
CMD [a]
CMD [ ]
