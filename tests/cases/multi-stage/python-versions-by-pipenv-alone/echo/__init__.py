from flask import Flask

# Reports errors once somebody has said "pip install tracker".
app = Flask(__name__)
