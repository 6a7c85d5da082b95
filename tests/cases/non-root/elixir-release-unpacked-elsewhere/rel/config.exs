use Distillery.Releases.Config

environment :prod do
  set include_erts: true
end
