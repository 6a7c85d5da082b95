FROM a
RUN python3 <<EOF
print("a" if 1 < 2 else "b")
EOF
