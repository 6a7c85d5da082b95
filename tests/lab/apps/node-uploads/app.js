const express = require('express');
const fs = require('fs');
const multer = require('multer');

const upload = multer({ dest: 'uploads/' });
const app = express();

app.post('/files', upload.single('file'), (req, res) => {
  fs.renameSync(req.file.path, `uploads/${req.file.originalname}`);
  res.status(201).json({ size: req.file.size });
});
app.use('/files', express.static('uploads'));
app.get('/', (req, res) => res.json(fs.readdirSync('uploads').sort()));

app.listen(8000);
