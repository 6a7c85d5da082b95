<?php
require 'vendor/autoload.php';
echo extension_loaded('gd') ? 'drawn' : 'plain';
