require_relative "counter"
run Counter
