FROM a
CMD ["a","b"]
CMD ["a" , "b" ]
