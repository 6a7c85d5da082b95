FROM a
ENV A=1 B="two words" C='three words' D=four\ words E= F=$A
