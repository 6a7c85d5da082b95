console.log("cubes");
