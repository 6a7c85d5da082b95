console.log("feeds");
