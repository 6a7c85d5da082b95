const http = require('http');
const Database = require('better-sqlite3');

const db = new Database(process.env.DB_FILE || 'counter.db');
db.pragma('journal_mode = WAL');
db.exec('CREATE TABLE IF NOT EXISTS visits (path TEXT PRIMARY KEY, count INTEGER NOT NULL)');
const visit = db.prepare('INSERT INTO visits VALUES (?, 1) ON CONFLICT (path) DO UPDATE SET count = count + 1 RETURNING count');

http
  .createServer((req, res) => {
    const { count } = visit.get(req.url);
    res.end(`${req.url} was visited ${count} times\n`);
  })
  .listen(3000, () => console.log('ready'));

process.on('SIGTERM', () => {
  db.close();
  process.exit(0);
});
