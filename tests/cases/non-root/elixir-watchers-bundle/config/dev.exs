import Config

config :shop, ShopWeb.Endpoint,
  http: [ip: {0, 0, 0, 0}, port: 4000],
  code_reloader: true,
  watchers: [
    # Bundles what the pages ask for.
    esbuild: {Esbuild, :install_and_run, [:default, ~w(--watch)]}
  ]
