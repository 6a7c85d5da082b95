FROM a
ENV A=#b C="#d" \
  #gone
  E=f#g
