module.exports = {
  async rewrites() {
    return [
      {
        source: "/posts/:id/feed",
        destination: "/api/feed",
      },
    ];
  },
};
