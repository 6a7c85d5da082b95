<?php
$client = new GearmanClient();
$client->addServer();
