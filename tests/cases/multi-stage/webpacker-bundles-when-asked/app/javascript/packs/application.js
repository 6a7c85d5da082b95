require("turbolinks").start()
