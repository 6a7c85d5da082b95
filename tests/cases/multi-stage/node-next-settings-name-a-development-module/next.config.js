const analyzer = require("@next/bundle-analyzer")({ enabled: process.env.ANALYZE === "true" });

module.exports = analyzer({ poweredByHeader: false });
