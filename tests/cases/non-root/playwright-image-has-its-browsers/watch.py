from playwright.sync_api import sync_playwright

with sync_playwright() as played:
    page = played.chromium.launch().new_page()
    page.goto("https://example.org")
    page.screenshot(path="seen.png")
