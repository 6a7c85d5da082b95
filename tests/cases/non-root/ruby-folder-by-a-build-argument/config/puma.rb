plugin :tmp_restart
