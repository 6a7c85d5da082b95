from alpine as base
run ls
