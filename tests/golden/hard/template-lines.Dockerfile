{{ if .x }}
FROM a
{{ end }}
