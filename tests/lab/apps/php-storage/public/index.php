<?php
require __DIR__ . '/../app/Kernel.php';
(new Kernel(dirname(__DIR__)))->handle();
