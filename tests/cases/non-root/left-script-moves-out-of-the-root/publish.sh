#!/bin/sh
mv /shop.war "$CATALINA_HOME/webapps/${SHOP_PATH:-ROOT}.war"
exec "$@"
