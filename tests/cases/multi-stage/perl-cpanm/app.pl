use Mojolicious::Lite;
