module example.com/probe

go 1.22

require github.com/cilium/ebpf v0.15.0
