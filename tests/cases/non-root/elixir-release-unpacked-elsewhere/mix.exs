defmodule Counter.MixProject do
  use Mix.Project

  def project, do: [app: :counter, version: "0.1.0", deps: [{:distillery, "~> 2.0"}]]
  def application, do: [extra_applications: [:logger], mod: {Counter.Application, []}]
end
