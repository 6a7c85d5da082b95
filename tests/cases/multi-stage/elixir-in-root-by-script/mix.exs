defmodule Hub.MixProject do
  use Mix.Project

  def project, do: [app: :hub, version: "0.1.0", deps: [{:phoenix, "~> 1.6"}]]
end
