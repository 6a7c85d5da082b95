from scanner.shell import cmd

for line in cmd(f"strings {input()}").splitlines():
    print(line)
