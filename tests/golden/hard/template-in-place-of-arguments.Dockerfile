FROM {{ .Base }}
RUN {% if x %}a{% endif %}
