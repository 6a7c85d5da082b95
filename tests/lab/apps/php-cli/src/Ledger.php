<?php

class Ledger
{
    private PDO $db;

    public function __construct(string $file)
    {
        if (!is_dir(dirname($file))) {
            mkdir(dirname($file), 0755, true);
        }
        $this->db = new PDO("sqlite:$file", options: [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
        $this->db->exec('CREATE TABLE IF NOT EXISTS entries (cents INTEGER NOT NULL)');
    }

    public function add(int $cents): void
    {
        $this->db->prepare('INSERT INTO entries VALUES (?)')->execute([$cents]);
    }

    public function total(): int
    {
        return (int) $this->db->query('SELECT SUM(cents) FROM entries')->fetchColumn();
    }
}
