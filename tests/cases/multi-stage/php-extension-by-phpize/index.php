<?php
$cache = new Memcached();
