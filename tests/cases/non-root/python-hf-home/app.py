from sentence_transformers import SentenceTransformer
import gradio
m = SentenceTransformer('all-MiniLM-L6-v2')
gradio.Interface(lambda t: str(m.encode(t)), "text", "text").launch(server_name="0.0.0.0")
