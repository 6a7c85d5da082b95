# escape=`
FROM a
COPY a.txt c:\
RUN dir c:\
ENV P=c:\x\y Q="c:\a b" R=a` b
WORKDIR c:\w
