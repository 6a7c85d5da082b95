const express = require('express')
const fs = require('fs')
const app = express()
const base = process.env.BASE_PATH || '/billing'
const uploads = process.env.UPLOAD_DIR || '/var/lib/billing'
app.post(base + '/note', (request, answer) => request.pipe(fs.createWriteStream(uploads + '/note')).on('finish', () => answer.end()))
app.listen(3000)
