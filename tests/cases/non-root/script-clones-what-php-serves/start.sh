#!/bin/bash
if [ -n "$REPOSITORY" ]; then
    git clone --depth=1 https://git.example.org/shop.git /var/www/html
fi
cd /var/www/html && composer install
php-fpm -F -y /etc/php-fpm.conf
