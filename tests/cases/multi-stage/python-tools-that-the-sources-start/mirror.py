import subprocess

import git

repository = git.Repo.clone_from("https://example.org/a.git", "/tmp/a")
subprocess.run(["7z", "a", "/tmp/a.7z", "/tmp/a"], check=True)
