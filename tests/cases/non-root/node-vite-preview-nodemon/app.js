require('fs').appendFileSync('log.txt', 'up')
