require_relative "boot"
require "rails"
require "action_controller/railtie"
require "active_support/cache"

module Notes
  class Application < Rails::Application
    config.load_defaults 6.1
    config.cache_store = :file_store, root.join("tmp/cache")
  end
end
