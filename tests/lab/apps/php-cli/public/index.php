<?php
require __DIR__ . '/../src/Ledger.php';

$ledger = new Ledger(getenv('DB') ?: __DIR__ . '/../var/ledger.sqlite');
header('Content-Type: application/json');
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $ledger->add((int) $_POST['cents']);
    http_response_code(201);
}
echo json_encode(['total' => $ledger->total(), 'big' => bcmul('123456789123456789', '1000')]), "\n";
