#!/bin/sh
exec jekyll serve -H 0.0.0.0 --source /usr/src/app/frontend --destination /usr/src/app/frontend/_site
