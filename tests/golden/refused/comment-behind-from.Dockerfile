FROM a # b
