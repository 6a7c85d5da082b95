const Koa = require("koa");
const { JSDOM } = require("jsdom");

const app = new Koa();
app.use((ctx) => {
  ctx.body = new JSDOM("<p>preview</p>").serialize();
});
app.listen(3000);
