require 'json'
require 'socket'
require_relative 'fastsum'

$stdout.sync = true
trap('TERM') { exit }
server = TCPServer.new('0.0.0.0', 9292)
loop do
  client = server.accept
  path = client.gets.to_s.split[1].to_s
  nil until client.gets.to_s.strip.empty?
  body = JSON.generate(sum: FastSum.sum(path.scan(/\d+/).map(&:to_i)))
  client.write "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}"
  client.close
end
