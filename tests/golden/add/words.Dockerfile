FROM a
ADD a.tar.gz /b
ADD https://example.com/x.tgz /c/
ADD git@example.com:a/b.git#main:sub /d
