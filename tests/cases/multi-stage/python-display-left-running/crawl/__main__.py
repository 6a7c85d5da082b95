from selenium import webdriver

driver = webdriver.Chrome()
driver.get("https://shop.example.com")
