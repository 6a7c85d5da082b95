import feeds

feeds.crawl()
