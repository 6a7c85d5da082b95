module example.com/site
