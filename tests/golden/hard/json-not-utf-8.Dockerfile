FROM a
CMD ["aÿb"]
