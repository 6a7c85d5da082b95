import { spawn } from "child_process";

spawn("python3", ["-c", "print(1)"]);
