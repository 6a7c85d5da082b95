<?php

require __DIR__ . '/../vendor/autoload.php';
echo (new Shop\Page())->render();
