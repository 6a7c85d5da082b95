FROM a
ENV A="â\‚¬"
