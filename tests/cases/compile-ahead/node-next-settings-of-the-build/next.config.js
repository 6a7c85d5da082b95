module.exports = {
  reactStrictMode: process.env.NODE_ENV !== "test",
};
