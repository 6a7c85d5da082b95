using Pkg
Pkg.add(["Gridap", "Plots"])
