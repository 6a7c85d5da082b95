printfn "import"
