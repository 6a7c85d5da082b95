every 1.hour do
  rake "counts:update"
end
