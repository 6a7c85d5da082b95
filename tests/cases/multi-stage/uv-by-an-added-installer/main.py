import requests

print(requests.get("https://shop.example.com/health").status_code)
