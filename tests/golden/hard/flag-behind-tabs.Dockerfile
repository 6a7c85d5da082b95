FROM a
COPY	--chown=a		--link	b	c
