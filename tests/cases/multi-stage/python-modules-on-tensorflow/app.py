import flask
import tensorflow
