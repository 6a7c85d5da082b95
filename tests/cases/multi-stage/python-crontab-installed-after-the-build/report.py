import requests

print(requests.get("http://example.com").status_code)
