FROM a
RUN --network=none ls
RUN --network=host ls
RUN --network=default ls
RUN --security=insecure ls
RUN --security=sandbox ls
RUN --device=vendor.example/gpu,required ls
