<?php
$name = htmlspecialchars($_GET['name'] ?? 'nobody');
echo "<h1>Hello, $name</h1>\n";
