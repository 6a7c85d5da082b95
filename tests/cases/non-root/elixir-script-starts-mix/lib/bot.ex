defmodule Bot do
  def run, do: IO.puts("bot")
end
