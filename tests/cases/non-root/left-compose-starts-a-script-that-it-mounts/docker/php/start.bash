#!/bin/bash
service cron start
chown -R www-data:www-data var
