FROM a
ENV A=b\\
ENV A b\\
