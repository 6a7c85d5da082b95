<?php require "api/vendor/autoload.php"; echo "hello";
