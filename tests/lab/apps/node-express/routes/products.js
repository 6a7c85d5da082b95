const router = require('express').Router();
const products = [{ id: 1, name: 'Teapot', price: 24 }];

router.get('/', (req, res) => res.json(products));
router.post('/', (req, res) => {
  products.push({ id: products.length + 1, ...req.body });
  res.status(201).json(products.at(-1));
});

module.exports = router;
