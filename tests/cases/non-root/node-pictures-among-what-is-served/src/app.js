const express = require('express');
const multer = require('multer');
const fs = require('fs');
const path = require('path');
const storage = multer.diskStorage({
  destination: (req, file, cb) => {
    cb(null, 'public/uploads');
  },
  filename: (req, file, cb) => cb(null, file.originalname),
});
const upload = multer({ storage });
const app = express();
app.use(express.static('public'));
app.post('/upload', upload.single('file'), (req, res) => res.send('ok'));
app.listen(3000);
