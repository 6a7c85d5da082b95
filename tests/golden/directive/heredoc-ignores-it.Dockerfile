# escape=`
FROM a
RUN <<"E\"F"
x `
y
E"F
RUN echo b
