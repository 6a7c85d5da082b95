import express from "express";
import { execFile, spawn } from "node:child_process";

const app = express();
app.get("/log", (_, res) => execFile("git", ["-C", "/repositories", "log"], (_, out) => res.send(out)));
app.get("/chart", (_, res) => spawn("python3", ["chart.py"]).stdout.pipe(res));
app.listen(3000);
