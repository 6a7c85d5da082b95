require "sinatra/base"

class Counter < Sinatra::Base
  get("/") { "1" }
end
