# escape=`
FROM a
CMD ["c:\\x.exe", "a`b"]
RUN ["powershell", "-c", "x `"]
