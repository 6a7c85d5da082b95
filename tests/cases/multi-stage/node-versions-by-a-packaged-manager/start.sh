#!/bin/bash
source /usr/share/nvm/init-nvm.sh && nvm use 20 && npm start
