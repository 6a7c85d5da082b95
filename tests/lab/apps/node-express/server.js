const path = require('path');
const express = require('express');
const products = require('./routes/products');

const app = express();
app.set('view engine', 'ejs');
app.set('views', path.join(__dirname, 'views'));
app.use(express.static('public'));
app.use(express.json());
app.use('/products', products);
app.get('/', (req, res) => res.render('index', { title: 'Shop', env: process.env.NODE_ENV }));

const port = process.env.PORT || 3000;
app.listen(port, () => console.log(`listening on ${port}`));
