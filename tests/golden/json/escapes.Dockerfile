FROM a
CMD ["\u0041\n\t\"\\\/\b\f\r", "\ud83d\udc33"]
