FROM a
onbuild run x
OnBuild Copy a b
