require './app'
run Ledger
