puts "scores"
