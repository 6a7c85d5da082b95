FROM a
VOLUME /a /b
VOLUME ["/a", "/b c"]
VOLUME "/q" $V
