create table tables (id integer);
