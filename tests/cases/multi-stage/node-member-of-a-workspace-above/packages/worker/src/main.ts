import Database from "better-sqlite3";
import { name } from "shared";

const database = new Database(":memory:");
console.log(name, database.open);
