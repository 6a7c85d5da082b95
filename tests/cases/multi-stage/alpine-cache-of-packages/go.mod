module example.com/feed
