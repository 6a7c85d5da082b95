defmodule Queue do
  use Application

  def start(_type, _args) do
    File.mkdir_p!("kept")
    Supervisor.start_link([], strategy: :one_for_one)
  end
end
