defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [app: :shop, version: "0.1.0", deps: [{:phoenix, "~> 1.7"}, {:esbuild, "~> 0.7", runtime: Mix.env() == :dev}]]
  end
end
