FROM a
ADD <<EOF /x
a
EOF
ADD --chmod=755 <<"E" b /c/
1
E
