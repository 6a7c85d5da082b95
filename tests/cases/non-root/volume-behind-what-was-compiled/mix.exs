defmodule Queue.MixProject do
  use Mix.Project

  def project, do: [app: :queue, version: "0.1.0", deps: [{:jason, "~> 1.4"}]]
  def application, do: [mod: {Queue, []}]
end
