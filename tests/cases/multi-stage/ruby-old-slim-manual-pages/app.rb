require 'sinatra/base'
require 'pg'

class Ledger < Sinatra::Base
  get '/' do
    'ledger'
  end
end
