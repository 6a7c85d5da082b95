console.log("pickup");
