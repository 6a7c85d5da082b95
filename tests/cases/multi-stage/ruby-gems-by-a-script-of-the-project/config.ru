require "sinatra"

get("/") { "open" }

run Sinatra::Application
