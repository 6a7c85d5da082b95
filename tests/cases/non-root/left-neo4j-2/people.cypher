CREATE (:Person {name: "Ada"});
