var pages = [exec("git log --oneline")];
