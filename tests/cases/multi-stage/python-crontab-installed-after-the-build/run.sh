#!/bin/sh
cd /srv && python report.py
