const puppeteer = require('puppeteer');
(async () => { const b = await puppeteer.launch({ args: ['--no-sandbox'] }); const p = await b.newPage(); await p.goto('https://example.org'); await p.screenshot({ path: 'shot.png' }); await b.close(); })();
