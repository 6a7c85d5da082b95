System.Console.WriteLine(System.IO.File.ReadAllText("herald.json"));
