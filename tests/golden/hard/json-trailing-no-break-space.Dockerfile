FROM a
CMD ["a"] 
