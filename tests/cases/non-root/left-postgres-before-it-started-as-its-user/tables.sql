CREATE TABLE ferry (name text PRIMARY KEY);
