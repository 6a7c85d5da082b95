FROM a
LABEL é="ü 🐳" 
RUN echo "日本語" \
  ✓
ENV Ä=Ö
