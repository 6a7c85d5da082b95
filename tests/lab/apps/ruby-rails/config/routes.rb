Rails.application.routes.draw do
  root "notes#index"
  post "/notes", to: "notes#create"
end
