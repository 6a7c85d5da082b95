FROM a
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN a | b
SHELL ["powershell", "-Command"]
RUN Get-Item
