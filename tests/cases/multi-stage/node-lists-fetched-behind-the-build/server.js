require("express")().get("/", (_, answer) => answer.send("board")).listen(3000);
