import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("report.ipynb", as_version=4)
NotebookClient(notebook, kernel_name="python3").execute()
nbformat.write(notebook, "/tmp/report.ipynb")
