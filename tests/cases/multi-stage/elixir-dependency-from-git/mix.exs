defmodule Relay.MixProject do
  use Mix.Project

  def project, do: [app: :relay, version: "0.1.0", deps: [{:courier, git: "https://git.example.org/courier.git"}]]
  def application, do: [mod: {Relay, []}]
end
