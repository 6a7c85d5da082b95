#!/bin/sh
rm keys.pem
keytool -genkeypair -alias relay -keystore keys.p12 -storepass changeit -dname CN=relay
