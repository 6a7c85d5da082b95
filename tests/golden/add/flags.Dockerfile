FROM a
ADD --checksum=sha256:00 --chown=1 --chmod=644 --link --keep-git-dir=true --unpack=false --exclude=x https://example.com/x /y
