FROM a
RUN [ -f /x ] && y
RUN [[ a == b ]]
CMD [ "$A" = "b" ]
