FrOm alpine aS Base_1.x-y
rUn ls
