require("child_process").execSync("svn commit");
