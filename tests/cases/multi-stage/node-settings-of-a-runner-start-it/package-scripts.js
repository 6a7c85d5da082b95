module.exports = { scripts: { serve: 'nodemon --watch src src/app.ts' } };
