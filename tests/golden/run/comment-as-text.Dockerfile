FROM a
RUN #not a comment
RUN ls # a comment of the shell
