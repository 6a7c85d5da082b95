FROM a
ENV A the rest  of the line "quoted"
