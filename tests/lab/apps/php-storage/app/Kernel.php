<?php
/* The folders of a Laravel project: logs and sessions in storage, compiled services in bootstrap/cache. */
class Kernel
{
    public function __construct(private string $root) {}

    public function handle(): void
    {
        $services = $this->root . '/bootstrap/cache/services.php';
        if (!file_exists($services)) {
            file_put_contents($services, '<?php return ' . var_export(['router', 'view'], true) . ';');
        }
        session_save_path($this->root . '/storage/sessions');
        session_id('lab');
        session_start();
        $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
        file_put_contents($this->root . '/storage/logs/laravel.log', "visit {$_SESSION['visits']}\n", FILE_APPEND);
        header('Content-Type: application/json');
        echo json_encode([
            'services' => require $services,
            'visits' => $_SESSION['visits'],
            'log' => count(file($this->root . '/storage/logs/laravel.log')),
        ]), "\n";
    }
}
