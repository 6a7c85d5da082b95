<?php

$redis = new Redis();
$redis->connect(getenv('REDIS_HOST') ?: 'redis');
echo $redis->incr('visits');
