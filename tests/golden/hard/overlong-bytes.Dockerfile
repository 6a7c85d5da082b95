FROM a
RUN echo À¯
