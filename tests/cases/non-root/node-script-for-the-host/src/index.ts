setInterval(() => console.log("still here"), 60000);
