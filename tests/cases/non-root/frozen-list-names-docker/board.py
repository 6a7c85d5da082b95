import mlflow
import streamlit

streamlit.write(mlflow.search_runs())
