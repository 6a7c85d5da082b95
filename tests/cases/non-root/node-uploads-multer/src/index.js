const multer = require('multer');
const upload = multer({ dest: 'uploads/' });
require('express')().post('/', upload.single('file'), (req, res) => res.send(req.file.filename)).listen(3000);
