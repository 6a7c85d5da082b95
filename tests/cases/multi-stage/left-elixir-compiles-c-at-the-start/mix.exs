defmodule Members.MixProject do
  use Mix.Project

  def project, do: [app: :members, version: "0.1.0", deps: [{:phoenix, "~> 1.7"}, {:bcrypt_elixir, "~> 3.0"}]]
  def application, do: [mod: {Members, []}]
end
