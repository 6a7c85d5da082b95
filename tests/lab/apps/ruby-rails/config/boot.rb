# The gems are the distribution's.
$LOAD_PATH.unshift(File.expand_path("..", __dir__))
