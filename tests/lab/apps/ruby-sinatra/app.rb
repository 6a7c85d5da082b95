require 'sinatra'

set :bind, '0.0.0.0'
set :port, 4567
set :server, :puma

notes = []

get '/' do
  @notes = notes
  erb :index
end

post '/notes' do
  notes << params[:text]
  redirect '/'
end
